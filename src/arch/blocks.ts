import type { Activation, RopeAttrs, ScoresAttrs } from '../program/attrs.ts'
import type { Step } from '../program/step.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec, NormSpec } from './spec.ts'
import type { TensorPart } from './tensorTable.ts'

/** Where the product of queries, keys or values finds its matrix. */
export interface Projection {
  readonly tensor: string
  readonly part?: TensorPart
}

type Qkv = 'q' | 'k' | 'v'

/** How the norms of queries and keys are kept. */
export interface QkNormOptions {
  readonly norm: NormSpec
  /** `head` over each head, `row` over all of them at once, `own` over each head with weights of its own. */
  readonly over?: 'head' | 'row' | 'own'
  readonly tensors?: Readonly<Record<'q' | 'k', string>>
}

/** Where attention differs between families. */
export interface AttentionOptions {
  /** Norm of queries and keys before the rotation. */
  qkNorm?: QkNormOptions | null
  softcap?: number | null
  /** Bound on queries, keys and values, behind the norms and before the rotation. */
  clip?: number | null
  /** Factor on q·k where it differs by layer. */
  scale?: number
  layout?: RopeAttrs['layout']
  /** Growth of queries with the position, behind the rotation. */
  positionScale?: { beta: number; context: number } | null | undefined
  projections?: (name: Qkv) => Projection
  output?: string
  /** Tensor of a learned score of each head that takes part in the softmax. */
  sinks?: string
}

const separate = (name: Qkv): Projection => ({ tensor: `self_attn.${name}_proj` })

/** One matrix: all queries, then all keys, then all values. */
export function stackedQkv(
  tensor: string,
  { heads, kvHeads, headDim }: DecoderSpec,
): (name: Qkv) => Projection {
  const begin = { q: 0, k: heads, v: heads + kvHeads }
  return (name) => ({ tensor, part: { begin: begin[name] * headDim, of: (heads + 2 * kvHeads) * headDim } })
}

/** One matrix in groups: the queries that share a key, the key, its value. */
export function groupedQkv(
  tensor: string,
  { heads, kvHeads, headDim }: DecoderSpec,
): (name: Qkv) => Projection {
  const group = heads / kvHeads
  const begin = { q: 0, k: group, v: group + 1 }
  const runs = { count: kvHeads, stride: (group + 2) * headDim }
  const of = (heads + 2 * kvHeads) * headDim
  return (name) => ({ tensor, part: { begin: begin[name] * headDim, of, runs } })
}

function normedQk(
  p: ModelRecorder,
  name: 'q' | 'k',
  x: Step,
  count: number,
  headDim: number,
  options: QkNormOptions,
): Step {
  const { norm, over = 'head', tensors = { q: 'self_attn.q_norm', k: 'self_attn.k_norm' } } = options
  const tensor = tensors[name]
  const headTensors = Array.from({ length: count }, (_, head) => `${tensor}.norms.${head}`)
  const width = over === 'row' ? count * headDim : headDim
  return p.norm(`attn.${name}_norm`, x, over === 'own' ? headTensors : tensor, norm, width)
}

/** Attention over the rows before, from normed rows `h` to its output projection: grouped heads, rotated queries and keys. */
export function attention(p: ModelRecorder, s: DecoderSpec, h: Step, options: AttentionOptions = {}): Step {
  const { heads, kvHeads, headDim } = s
  const { qkNorm, projections = separate, layout = 'half', output = 'self_attn.o_proj' } = options
  const layer = p.layer ?? 0
  const project = (name: Qkv, count: number): Step => {
    const { tensor, part } = projections(name)
    return p.linear(`attn.${name}`, h, tensor, count * headDim, { bias: s.bias.qkv, heads: count, part })
  }
  let q = project('q', heads)
  let k = project('k', kvHeads)
  let v = project('v', kvHeads)
  if (qkNorm) {
    q = normedQk(p, 'q', q, heads, headDim, qkNorm)
    k = normedQk(p, 'k', k, kvHeads, headDim, qkNorm)
  }
  const { clip = null } = options
  if (clip !== null) {
    q = p.clamp('attn.q_clamp', q, clip)
    k = p.clamp('attn.k_clamp', k, clip)
    v = p.clamp('attn.v_clamp', v, clip)
  }
  const table = s.rope(layer)
  if (table) {
    const rope = { headDim, layout, table }
    q = p.rope('attn.q_rope', q, rope)
    k = p.rope('attn.k_rope', k, rope)
  }
  if (options.positionScale) q = p.positionScale('attn.q_scaled', q, options.positionScale)
  const attrs: ScoresAttrs = {
    heads,
    kvHeads,
    headDim,
    scale: options.scale ?? s.attentionScale,
    softcap: options.softcap ?? null,
    window: s.window(layer),
    ...(s.mask === undefined ? {} : { mask: s.mask }),
  }
  return p.linear('attn.o', p.attend(q, k, v, attrs, options.sinks), output, s.hidden, { bias: s.bias.o })
}

interface GatedMlpOptions {
  /** Tensor whose halves are gate and up. */
  fused?: string
  /** Where its modules are, and the one behind the gate. */
  module?: string
  down?: string
  /** What its steps are called, `mlp.gate` and so on. */
  name?: string
}

/** down(act(gate(h)) ∘ up(h)) (Shazeer 2020). */
export function gatedMlp(
  p: ModelRecorder,
  {
    intermediate,
    hidden,
    activation,
    bias,
  }: Pick<DecoderSpec, 'intermediate' | 'hidden' | 'activation' | 'bias'>,
  h: Step,
  { fused, module = 'mlp', down = `${module}.down_proj`, name: block = 'mlp' }: GatedMlpOptions = {},
): Step {
  const half = (name: 'gate' | 'up', begin: number): Step => {
    const part = fused === undefined ? undefined : { begin, of: 2 * intermediate }
    return p.linear(`${block}.${name}`, h, fused ?? `${module}.${name}_proj`, intermediate, {
      bias: bias.mlp,
      part,
    })
  }
  const gate = half('gate', 0)
  const up = half('up', intermediate)
  const act = p.gate(`${block}.act`, gate, up, { activation })
  return p.linear(`${block}.down`, act, down, hidden, { bias: bias.mlp })
}

/** What stands before the matrix of a masked-LM head: norm(act(dense(x))). */
export function maskedLmHead(
  p: ModelRecorder,
  { hidden, norm, activation: ofLayers }: DecoderSpec,
  x: Step,
  lmHead: { dense: string; norm: string; bias?: boolean; activation?: Activation },
): Step {
  const { bias = true, activation = ofLayers } = lmHead
  const dense = p.linear('lm_head.dense', x, lmHead.dense, hidden, { bias })
  return p.norm('lm_head.norm', p.activation('lm_head.act', dense, activation), lmHead.norm, norm)
}

/** down(act(up(h))) */
export function plainMlp(
  p: ModelRecorder,
  { intermediate, hidden, activation, bias }: DecoderSpec,
  h: Step,
  tensors: { readonly up: string; readonly down: string },
): Step {
  const options = { bias: bias.mlp }
  const up = p.linear('mlp.up', h, tensors.up, intermediate, options)
  return p.linear('mlp.down', p.activation('mlp.act', up, activation), tensors.down, hidden, options)
}
