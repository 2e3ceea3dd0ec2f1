import type { TraceContent } from '../../src/trace/types.ts'
import type { AxisKind, TensorData } from '../../src/api/model.ts'
import { PRELUDE } from '../../src/trace/layout.ts'
import { crc32, deflate, inflate } from '../../src/trace/pack.ts'

const IDS = [1, 5, 5, 2]

/** Values that only survive bit for bit: both zeros, the smallest, infinities, a NaN with a payload. */
function oddValues(): Float32Array {
  const data = new Float32Array([0, -0, 1e-45, -3.4e38, Infinity, -Infinity, NaN, 0.1])
  new Uint32Array(data.buffer)[6] = 0x7fc00123
  return data
}

/** A small run with everything a file can hold. */
export function sampleContent(): TraceContent {
  // Neighbours alike, as in a model: worth deflating.
  const resid = Float32Array.from({ length: 256 }, (_, i) => 1 + i / 1024)
  const tensors = new Map<string, TensorData>([
    ['embed', { shape: [4, 2], data: oddValues() }],
    ['layers.0.resid', { shape: [4, 64], data: resid }],
    ['layers.0.attn.probs', { shape: [2, 4, 4], data: new Float32Array(32) }],
  ])
  const step = (name: string, shape: number[], kinds: readonly AxisKind[]) => ({
    name,
    layer: name.startsWith('layers.0.') ? 0 : null,
    op: name === 'embed' ? 'embed' : 'add',
    inputs: name === 'embed' ? [] : ['embed'],
    axes: shape.map((size, i) => ({ kind: kinds[i] ?? 'features', size })),
    params: [],
    output: { shape, dtype: 'f32' as const },
    flops: 10,
    bytes: 1e12,
    formula: 'y = x',
    coveredBy: null,
  })
  return {
    model: {
      id: 'tiny',
      architecture: 'llama',
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 32,
      hidden: 64,
      vocab: 8,
      context: 32,
      parameters: 1000,
      weights: 'q4_k',
      backend: 'test',
      variant: 'plain',
    },
    machine: { browser: 'Test/1', device: 'test', limits: { maxBufferSize: 1024 } },
    ids: IDS,
    texts: ['<s>', ' a', ' a', '곰'],
    promptLength: 2,
    settings: { temperature: 0.8, seed: 3 },
    adapters: [{ id: 'a1', name: 'bard', scale: -0.5 }],
    edits: [{ kind: 'add', step: 'embed', values: { factor: 2, norm: 1.5 } }],
    tokens: [
      {
        index: 0,
        position: 2,
        id: 5,
        text: ' a',
        logprob: -Infinity,
        top: [{ id: 5, text: ' a', logprob: -0.25 }],
        random: 0.125,
        finish: null,
      },
    ],
    predictions: IDS.map((_, position) => ({
      position,
      top: [{ id: 1, text: 'b', logprob: -0.5 }],
      entropy: 0.75,
      next: position === 3 ? null : { logprob: -1.5, rank: 2 },
    })),
    steps: [
      step('embed', [4, 2], ['rows', 'features']),
      step('layers.0.attn.probs', [2, 4, 4], ['heads', 'rows', 'positions']),
      step('layers.0.resid', [4, 64], ['rows', 'features']),
      step('logits', [4, 8], ['rows', 'vocabulary']),
    ],
    tensors,
  }
}

type Json = Record<string, unknown>

const LIMIT = { file: 'test', field: 'header' }

/** The same file with another header, well sealed: only what the header says is wrong. */
export async function withHeader(file: Uint8Array, change: (text: string) => string): Promise<Uint8Array> {
  const view = new DataView(file.buffer)
  const end = PRELUDE + view.getUint32(12, true)
  const text = new TextDecoder().decode(
    await inflate(file.subarray(PRELUDE, end), view.getUint32(16, true), LIMIT),
  )
  const plain = new TextEncoder().encode(change(text))
  const stored = await deflate(plain)
  const created = new Uint8Array([...file.subarray(0, PRELUDE), ...stored, ...file.subarray(end)])
  const words = new DataView(created.buffer)
  ;[stored.length, plain.length, crc32(stored)].forEach((word, i) => words.setUint32(12 + i * 4, word, true))
  return created
}

/** {@link withHeader}, the header as an object to be changed in place. */
export function withFields(file: Uint8Array, change: (header: Json) => void): Promise<Uint8Array> {
  return withHeader(file, (text) => {
    const header = JSON.parse(text) as Json
    change(header)
    return JSON.stringify(header)
  })
}
