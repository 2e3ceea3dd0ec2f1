import { invariant } from '../errors.ts'
import type { ExpertLora, LoraModule, ParsedAdapter } from './types.ts'

/**
 * ΔW = scaling · BA of one module, `[out, in]` in f64: 8 · out · in bytes. An embedding's is turned to `[in, out]`, as its
 * table is stored. Without DoRA's renormalisation, which depends on W.
 */
export function denseDelta(module: LoraModule): Float64Array {
  const { kind, in: inner, out, rank, scaling, a, b } = module
  const delta = new Float64Array(out * inner)
  const [outStride, inStride] = kind === 'embedding' ? [1, out] : [inner, 1]
  for (let o = 0; o < out; o++) {
    for (let k = 0; k < rank; k++) {
      const factor = scaling * (b[o * rank + k] ?? 0)
      if (factor === 0) continue
      const row = a.subarray(k * inner, (k + 1) * inner)
      let at = o * outStride
      for (const value of row) {
        delta[at] = (delta[at] ?? 0) + factor * value
        at += inStride
      }
    }
  }
  return delta
}

/** The same of `count` experts from `begin` on, one after the other: `[count · out, in]`. */
export function expertDelta(
  { experts, in: inner, out, rank, scaling, a, b }: ExpertLora,
  begin = 0,
  count = experts,
): Float64Array {
  const delta = new Float64Array(count * out * inner)
  for (let at = 0; at < count * out; at++) {
    const row = begin * out + at
    const first = Math.floor(row / out) * rank
    for (let r = 0; r < rank; r++) {
      const factor = scaling * (b[row * rank + r] ?? 0)
      for (let i = 0; i < inner; i++)
        delta[at * inner + i] = (delta[at * inner + i] ?? 0) + factor * (a[(first + r) * inner + i] ?? 0)
    }
  }
  return delta
}

/**
 * DoRA's factor per output: magnitude / ‖w + scaling·(BA) row‖, so that y = gain ⊙ (Wx + scaling·B(Ax)) + bias. The norm is
 * taken in f64 over the inputs (an embedding's over its rows) with the adapter at full scale, as PEFT does.
 * @param weight W as stored: `[out, in]`, an embedding `[in, out]`.
 * @returns factors [out]; 1 for a module without a magnitude.
 */
export function doraScaleOf(module: LoraModule, weight: ArrayLike<number>): Float64Array {
  const { out, magnitude } = module
  if (!magnitude) return new Float64Array(out).fill(1)
  return magnitudeRatios(module, magnitude, addTo(denseDelta(module), weight))
}

function addTo(sum: Float64Array, weight: ArrayLike<number>): Float64Array {
  invariant(sum.length === weight.length, 'delta and weight have one shape')
  for (let n = 0; n < sum.length; n++) sum[n] = (sum[n] ?? 0) + (weight[n] ?? 0)
  return sum
}

function magnitudeRatios(module: LoraModule, magnitude: Float32Array, adapted: Float64Array): Float64Array {
  const { kind, out, in: inner } = module
  const squares = new Float64Array(out)
  for (let n = 0; n < adapted.length; n++) {
    const o = kind === 'embedding' ? n % out : Math.floor(n / inner)
    squares[o] = (squares[o] ?? 0) + (adapted[n] ?? 0) ** 2
  }
  return squares.map((square, o) => (magnitude[o] ?? 0) / Math.sqrt(square))
}

/**
 * The dense parameter under an adapter, for merging: W + scale · (adapted(W) − W) in f64, DoRA and replacements included.
 *
 * @param name as `listWeights` gives it, `logits` also for a tied head.
 * @param weight the base's values in the shape the decoder uses: `[out, in]`, `[vocab, hidden]` or `[n]`.
 * @param scale the user's scale s; 1 is the adapter as trained.
 * @returns null when the adapter does not change this parameter.
 */
export function adaptedWeight(
  adapter: Pick<ParsedAdapter, 'modules' | 'replacements' | 'experts'>,
  name: string,
  weight: ArrayLike<number>,
  scale = 1,
): Float64Array | null {
  const module = adapter.modules.find(({ step }) => step === name)
  const replacement = adapter.replacements.find((candidate) => candidate.name === name)
  const lora = adapter.experts?.find(({ step }) => step === name)
  if (!module && !replacement && !lora) return null
  const start = replacement?.values ?? weight
  invariant(start.length === weight.length, `${name} keeps its shape`)
  const adapted = module
    ? lowRankAdapted(module, start)
    : lora
      ? addTo(expertDelta(lora), start)
      : Float64Array.from(start)
  for (let n = 0; n < adapted.length; n++) {
    const base = weight[n] ?? 0
    adapted[n] = base + scale * ((adapted[n] ?? 0) - base)
  }
  return adapted
}

function lowRankAdapted(module: LoraModule, weight: ArrayLike<number>): Float64Array {
  const adapted = addTo(denseDelta(module), weight)
  if (!module.magnitude) return adapted
  const doraScale = magnitudeRatios(module, module.magnitude, adapted)
  const { kind, out, in: inner } = module
  for (let n = 0; n < adapted.length; n++) {
    const o = kind === 'embedding' ? n % out : Math.floor(n / inner)
    adapted[n] = (adapted[n] ?? 0) * (doraScale[o] ?? 0)
  }
  return adapted
}
