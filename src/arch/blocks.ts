import type { ScoresAttrs } from '../program/attrs.ts'
import type { Step } from '../program/step.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec, NormSpec } from './spec.ts'

/** Where attention differs between families. */
export interface AttentionOptions {
  /** Norm of each query and key head before the rotation. */
  qkNorm?: NormSpec
  softcap?: number | null
}

/** Attention over the rows before, from normed rows `h` to its output projection: grouped heads, rotated queries and keys. */
export function attention(p: ModelRecorder, s: DecoderSpec, h: Step, options: AttentionOptions = {}): Step {
  const { heads, kvHeads, headDim } = s
  const layer = p.layer ?? 0
  const project = (name: string, count: number): Step =>
    p.linear(`attn.${name}`, h, `self_attn.${name}_proj`, count * headDim, { bias: s.bias.qkv, heads: count })
  let q = project('q', heads)
  let k = project('k', kvHeads)
  const v = project('v', kvHeads)
  if (options.qkNorm) {
    q = p.norm('attn.q_norm', q, 'self_attn.q_norm', options.qkNorm, headDim)
    k = p.norm('attn.k_norm', k, 'self_attn.k_norm', options.qkNorm, headDim)
  }
  const table = s.rope(layer)
  if (table) {
    q = p.rope('attn.q_rope', q, { headDim, layout: 'half', table })
    k = p.rope('attn.k_rope', k, { headDim, layout: 'half', table })
  }
  const attrs: ScoresAttrs = {
    heads,
    kvHeads,
    headDim,
    scale: s.attentionScale,
    softcap: options.softcap ?? null,
    window: s.window(layer),
  }
  return p.linear('attn.o', p.attend(q, k, v, attrs), 'self_attn.o_proj', s.hidden, { bias: s.bias.o })
}

/** down(act(gate(h)) ∘ up(h)) (Shazeer 2020). */
export function gatedMlp(
  p: ModelRecorder,
  { intermediate, hidden, activation, bias }: DecoderSpec,
  h: Step,
): Step {
  const options = { bias: bias.mlp }
  const gate = p.linear('mlp.gate', h, 'mlp.gate_proj', intermediate, options)
  const up = p.linear('mlp.up', h, 'mlp.up_proj', intermediate, options)
  return p.linear('mlp.down', p.gate('mlp.act', gate, up, activation), 'mlp.down_proj', hidden, options)
}
