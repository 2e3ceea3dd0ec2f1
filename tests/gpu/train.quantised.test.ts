import { describe, expect, test } from 'vitest'
import { f32ToF16 } from '../../src/formats/floats.ts'
import { dequantise } from '../../src/formats/gguf/dequantise.ts'
import { ggmlBytes, type GgmlTypeName } from '../../src/formats/gguf/ggmlTypes.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'
import type { Model, TrainedStep, TrainExample, TrainOptions } from '../../src/index.ts'
import { casesOf } from '../all.ts'
import { tinyFields, u32Field } from '../formats/ggufBuild.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { exportFiles } from './adapterFiles.ts'
import { withPlainModel } from './modelFixtures.ts'

/** Rows of four matrices and a width that the largest blocks divide. */
const [WIDTH, INNER, KV, VOCAB] = [256, 512, 128, 8]
/** About the spread of trained weights. */
const SPREAD = 0.05

/** Where a block has its halves, and how much of the first one each is: so that the values of a block have no bias. */
const HALVES: Readonly<Partial<Record<GgmlTypeName, readonly (readonly [at: number, share: number])[]>>> = {
  Q4_0: [[0, 1]],
  Q5_0: [[0, 1]],
  Q8_0: [[0, 1]],
  Q4_K: [
    [0, 1],
    [2, 7.5],
  ],
  Q5_K: [
    [0, 1],
    [2, 15.5],
  ],
  Q6_K: [[208, 1]],
}

/** Random blocks, with scales at which values spread as asked. */
function randomBlocks(type: GgmlTypeName, count: number, random: RandomSource): Uint8Array {
  const bytes = Uint8Array.from({ length: ggmlBytes(type, count) }, () => random.integer(256))
  const blockBytes = bytes.length / (count / (type.endsWith('K') ? 256 : 32))
  const view = new DataView(bytes.buffer)
  const scaleBy = (scale: number): void => {
    for (let at = 0; at < bytes.length; at += blockBytes)
      for (const [half, share] of HALVES[type] ?? []) view.setUint16(at + half, f32ToF16(scale * share), true)
  }
  scaleBy(2 ** -10)
  const values = dequantise(type, bytes)
  scaleBy(
    2 ** -10 * (SPREAD / Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)),
  )
  return bytes
}

/** A Llama of one layer: as a file of that type, and with the values of its blocks instead. */
function twice(type: GgmlTypeName): Record<'quantised' | 'dequantised', Map<string, Uint8Array>> {
  const random = randomSource(type.length + 7)
  const floats = (name: string, shape: readonly number[], mean: number): GgufOutput => {
    const values = random.normal(
      shape.reduce((product, size) => product * size, 1),
      0.1,
    )
    return { name, type: 'F32', shape, data: new Uint8Array(values.map((value) => value + mean).buffer) }
  }
  const matrix = (name: string, rows: number, columns: number): GgufOutput => ({
    name: `blk.0.${name}.weight`,
    type,
    shape: [rows, columns],
    data: randomBlocks(type, rows * columns, random),
  })
  const tensors = [
    floats('token_embd.weight', [VOCAB, WIDTH], 0),
    floats('blk.0.attn_norm.weight', [WIDTH], 1),
    matrix('attn_q', WIDTH, WIDTH),
    matrix('attn_k', KV, WIDTH),
    matrix('attn_v', KV, WIDTH),
    matrix('attn_output', WIDTH, WIDTH),
    floats('blk.0.ffn_norm.weight', [WIDTH], 1),
    matrix('ffn_gate', INNER, WIDTH),
    matrix('ffn_up', INNER, WIDTH),
    matrix('ffn_down', WIDTH, INNER),
    floats('output_norm.weight', [WIDTH], 1),
  ]
  const fields = tinyFields({
    fields: {
      'llama.embedding_length': u32Field(WIDTH),
      'llama.feed_forward_length': u32Field(INNER),
    },
  })
  const file = (list: readonly GgufOutput[]) => new Map([['tiny.gguf', writeGguf(fields, list)]])
  const widened = tensors.map((one): GgufOutput =>
    one.type === type
      ? { ...one, type: 'F32', data: new Uint8Array(dequantise(type, one.data).buffer) }
      : one,
  )
  return { quantised: file(tensors), dequantised: file(widened) }
}

const EXAMPLES = [
  [1, 4, 2, 6, 0, 3, 5, 7],
  [3, 3, 1, 7],
  [5, 0, 6, 2, 4, 7],
].map((ids): TrainExample => ({ ids, mask: ids.map((_, i): 0 | 1 => (i > 1 ? 1 : 0)) }))

const OPTIONS: TrainOptions = {
  steps: 20,
  learningRate: 4e-3,
  schedule: 'cosine',
  warmupSteps: 3,
  clipNorm: 1,
  batchSize: 2,
}

async function run(model: Model): Promise<{ steps: TrainedStep[]; factors: Map<string, Float32Array> }> {
  const { id } = await model.newAdapter({ name: 'x', rank: 5, alpha: 12, seed: 3 })
  const steps: TrainedStep[] = []
  for await (const step of model.train(id, EXAMPLES, OPTIONS)) steps.push(step)
  const { tensors } = await exportFiles(model, id)
  return { steps, factors: new Map([...tensors].map(([name, { values }]) => [name, values])) }
}

const norm = (values: Float32Array): number => Math.hypot(...values)

/** Of losses in nats and of factors at the end, relative to their length: those of torch over the values, which f32 is held to. */
const TOLERANCE = 1e-3

describe('a quantised base trains as its values do', () => {
  test.each(casesOf({ main: ['Q4_0', 'Q4_K'], more: ['Q5_0', 'Q8_0', 'Q5_K', 'Q6_K'] }))(
    '%s',
    async (type) => {
      const { quantised, dequantised } = twice(type as GgmlTypeName)
      let expected: Awaited<ReturnType<typeof run>> | null = null
      await withPlainModel(dequantised, {}, async (model) => {
        expect(model.info.weights).toBe('f32')
        expected = await run(model)
      })
      await withPlainModel(quantised, {}, async (model) => {
        expect(model.info.weights).toBe(type.toLowerCase())
        const { steps, factors } = await run(model)
        for (const [i, { loss }] of expected!.steps.entries())
          expect(Math.abs(steps[i]!.loss - loss), `loss of step ${i}`).toBeLessThan(TOLERANCE)
        expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss / 2)
        for (const [name, values] of expected!.factors) {
          const error = norm(values.map((value, i) => value - factors.get(name)![i]!)) / norm(values)
          expect(error, name).toBeLessThan(TOLERANCE)
        }
      })
    },
  )
})
