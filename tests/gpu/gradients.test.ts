import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model, TensorData } from '../../src/index.ts'
import { nmse } from '../nmse.ts'
import { readJson, ROOT, TINY, withPlainModel } from './modelFixtures.ts'

/** Every gradient against autograd in float64; f32 rounding there and back over a few layers stays far below. */
const GRADIENT = 1e-6

interface Expected {
  model: string
  adapter: string
  ids: number[]
  mask: (0 | 1)[]
  loss: number
  tensors: { name: string; shape: number[]; offset: number }[]
}

const FOLDER = join(ROOT, 'tests/fixtures/gradients')

function readExpected(name: string): { expected: Expected; tensors: Map<string, Float32Array> } {
  const expected = readJson(join(FOLDER, `${name}.json`)) as Expected
  const bytes = readFileSync(join(FOLDER, `${name}.bin`))
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const tensors = new Map(
    expected.tensors.map(({ name: gradient, shape, offset }) => [
      gradient,
      new Float32Array(
        buffer,
        offset,
        shape.reduce((product, size) => product * size, 1),
      ),
    ]),
  )
  return { expected, tensors }
}

/** q, k and v of GPT-2 are one module: they share A, and their B's lie one after the other. */
function joined(read: ReadonlyMap<string, TensorData>, name: string): Float32Array {
  const match = /^(.*)\.q_k_v\.(d[AB])$/.exec(name)
  const parts = match ? ['q', 'k', 'v'].map((part) => read.get(`${match[1]}.${part}.${match[2]}`)!.data) : []
  const [first] = parts
  if (!first) return read.get(name)!.data
  if (match?.[2] === 'dA') return first.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0))
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

/** Names the first gradient that is off, from the loss backwards: which is where a wrong rule goes wrong. */
async function checkGradients(
  model: Model,
  { expected, tensors }: ReturnType<typeof readExpected>,
): Promise<void> {
  await model.addAdapter(`./tests/fixtures/peft/${expected.adapter}`)
  const names = [...tensors.keys()]
  const probes = names.flatMap((name) =>
    name.includes('q_k_v') ? ['q', 'k', 'v'].map((part) => name.replace('q_k_v', part)) : [name],
  )
  const read = await model.gradients(expected.ids, expected.mask, { probes: [...probes, 'loss'] })
  const losses = read.get('loss')!.data
  expect(losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toBeCloseTo(expected.loss, 4)
  const wrong: string[] = []
  for (const [name, expected] of tensors) {
    const error = nmse(joined(read, name), expected)
    if (!(error <= GRADIENT)) wrong.push(`${name}: NMSE ${error}`)
  }
  expect(wrong).toEqual([])
}

describe('every gradient of a whole forward', () => {
  test.each(['llama', 'qwen3', 'gemma3', 'gpt2'])('%s', async (name) => {
    const given = readExpected(name)
    await withPlainModel(join(TINY, given.expected.model), { weights: 'f32' }, (model) =>
      checkGradients(model, given),
    )
  })
})
