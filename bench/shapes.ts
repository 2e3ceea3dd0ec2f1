import type { DecoderSpec, LinearRef, NormRef } from '../src/arch/spec.ts'

/** Sizes of a published model; its weights are random here. */
export interface Shape {
  readonly name: string
  readonly hidden: number
  readonly intermediate: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly layers: number
}

export const SHAPES: readonly Shape[] = [
  { name: 'SmolLM2-135M', hidden: 576, intermediate: 1536, heads: 9, kvHeads: 3, headDim: 64, layers: 30 },
  { name: 'Llama-3.2-1B', hidden: 2048, intermediate: 8192, heads: 32, kvHeads: 8, headDim: 64, layers: 16 },
  { name: 'Qwen3-0.6B', hidden: 1024, intermediate: 3072, heads: 16, kvHeads: 8, headDim: 128, layers: 28 },
]

export function shapeNamed(name: string): Shape {
  const shape = SHAPES.find((candidate) => candidate.name === name)
  if (!shape) throw new Error(`no shape is named ${name}: ${SHAPES.map((s) => s.name).join(', ')}`)
  return shape
}

const linear = (out: number, into: number): LinearRef => ({
  weight: { tensor: 'random', layout: 'out_in', rows: null, shape: [out, into] },
  bias: null,
})
const norm = (size: number): NormRef => ({
  weight: { tensor: 'random', layout: 'out_in', rows: null, shape: [size] },
  bias: null,
})

/** A Llama decoder of a shape with so many layers and a head over `vocab` tokens. */
export function decoderSpec(shape: Shape, layers: number, vocab: number, context: number): DecoderSpec {
  const { hidden, intermediate, heads, kvHeads, headDim } = shape
  const embed = linear(vocab, hidden).weight
  const layer = {
    inputNorm: norm(hidden),
    q: linear(heads * headDim, hidden),
    k: linear(kvHeads * headDim, hidden),
    v: linear(kvHeads * headDim, hidden),
    o: linear(hidden, heads * headDim),
    postNorm: norm(hidden),
    gate: linear(intermediate, hidden),
    up: linear(intermediate, hidden),
    down: linear(hidden, intermediate),
  }
  return {
    architecture: 'LlamaForCausalLM',
    modelType: 'llama',
    layers,
    hidden,
    heads,
    kvHeads,
    headDim,
    intermediate,
    vocab,
    maxPositions: context,
    norm: { kind: 'rms', eps: 1e-5 },
    activation: 'silu',
    gated: true,
    positions: { kind: 'rope', layout: 'half', theta: 10_000, scaling: { kind: 'none' }, rotaryDim: headDim },
    attentionScale: 1 / Math.sqrt(headDim),
    embedScale: 1,
    tiedHead: true,
    slidingWindow: null,
    bosId: null,
    eosIds: [],
    storedAs: 'F32',
    parameters: 0,
    weights: {
      embed,
      positions: null,
      layers: Array.from({ length: layers }, () => layer),
      finalNorm: norm(hidden),
      head: { weight: embed, bias: null },
    },
    warnings: [],
  }
}
