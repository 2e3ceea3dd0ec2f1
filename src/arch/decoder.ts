import {
  NO_CHANGES,
  ProgramRecorder,
  type StepChanges,
  type Program,
  type ProgramSize,
} from '../program/program.ts'
import type { DecoderSpec } from './spec.ts'

/**
 * The forward pass of a decoder-only transformer. READ THIS FIRST.
 *
 * It runs nothing: it names the steps in order, with their inputs and output shapes. Everything else in the project works
 * on this list. `adapted` is A·x of loaded LoRA adapters, empty without any. R = rows, H = hidden, Q = heads·headDim, K = kvHeads·headDim, I = intermediate, P = positions.
 */
export function recordDecoder(
  spec: DecoderSpec,
  size: ProgramSize,
  changes: StepChanges = NO_CHANGES,
): Program {
  const p = new ProgramRecorder(changes)
  const { hidden: H, heads, kvHeads, headDim, intermediate: I, vocab } = spec
  const { rows: R, logitRows, positions: P } = size
  const Q = heads * headDim
  const K = kvHeads * headDim
  const norm = spec.norm.kind === 'rms' ? 'rms_norm' : 'layer_norm'
  const normFlops = (rows: number) => ({ flops: rows * H * (spec.norm.kind === 'rms' ? 4 : 8) })
  const matrix = (name: string, rows: number, k: number, n: number) => ({
    weights: [name],
    flops: 2 * rows * k * n,
  })

  // x = E[token] (+ P[position])
  let x = p.embed([R, H], {
    weights: spec.weights.positions ? ['embed', 'positions'] : ['embed'],
    flops: spec.weights.positions ? R * H : 0,
  })

  for (let n = 0; n < spec.layers; n++) {
    p.enterLayer(n)
    const at = `layers.${n}`

    // Attention: every row looks at the rows before it.
    const h = p.step('input_norm', norm, [x], [R, H], { weights: [`${at}.input_norm`], ...normFlops(R) })
    const hx = [h, ...p.adapted('attn.qkv', h, R, H)]
    let q = p.step('attn.q', 'linear', hx, [R, Q], matrix(`${at}.attn.q`, R, H, Q))
    let k = p.step('attn.k', 'linear', hx, [R, K], matrix(`${at}.attn.k`, R, H, K))
    const v = p.step('attn.v', 'linear', hx, [R, K], matrix(`${at}.attn.v`, R, H, K))
    if (spec.positions.kind === 'rope') {
      q = p.step('attn.q_rope', 'rope', [q], [R, Q], { flops: 3 * R * Q })
      k = p.step('attn.k_rope', 'rope', [k], [R, K], { flops: 3 * R * K })
    }
    const cache = p.step('attn.cache', 'cache', [k, v], [2, R, K], { flops: 0 })
    const scores = p.step('attn.scores', 'scores', [q, cache], [heads, R, P], { flops: 2 * R * P * Q })
    const probs = p.step('attn.probs', 'softmax', [scores], [heads, R, P], { flops: 4 * heads * R * P })
    const mix = p.step('attn.mix', 'mix', [probs, cache], [R, Q], { flops: 2 * R * P * Q })
    const mixx = [mix, ...p.adapted('attn.out', mix, R, Q)]
    const out = p.step('attn.out', 'linear', mixx, [R, H], matrix(`${at}.attn.out`, R, Q, H))
    const mid = p.step('resid_mid', 'add', [x, out], [R, H], { flops: R * H })

    // MLP: every row by itself.
    const m = p.step('post_norm', norm, [mid], [R, H], { weights: [`${at}.post_norm`], ...normFlops(R) })
    let act: string
    if (spec.gated) {
      const mx = [m, ...p.adapted('mlp.gate_up', m, R, H)]
      const gate = p.step('mlp.gate', 'linear', mx, [R, I], matrix(`${at}.mlp.gate`, R, H, I))
      const up = p.step('mlp.up', 'linear', mx, [R, I], matrix(`${at}.mlp.up`, R, H, I))
      act = p.step('mlp.act', 'gate', [gate, up], [R, I], { flops: 6 * R * I })
    } else {
      const mx = [m, ...p.adapted('mlp.up', m, R, H)]
      const up = p.step('mlp.up', 'linear', mx, [R, I], matrix(`${at}.mlp.up`, R, H, I))
      act = p.step('mlp.act', 'activation', [up], [R, I], { flops: 9 * R * I })
    }
    const actx = [act, ...p.adapted('mlp.down', act, R, I)]
    const down = p.step('mlp.down', 'linear', actx, [R, H], matrix(`${at}.mlp.down`, R, I, H))
    x = p.step('resid', 'add', [mid, down], [R, H], { flops: R * H })
  }

  // The head, only for rows whose next token is wanted.
  p.enterLayer(null)
  if (logitRows > 0) {
    const last = p.step('final_norm', norm, [x], [R, H], { weights: ['final_norm'], ...normFlops(R) })
    const head = matrix(spec.tiedHead ? 'embed' : 'logits', logitRows, H, vocab)
    const lastx = [last, ...p.adapted('logits', last, logitRows, H, 'packed')]
    p.step('logits', 'linear', lastx, [logitRows, vocab], { ...head, rows: 'logits' })
  }
  return { spec, rows: R, logitRows, positions: P, steps: p.steps }
}
