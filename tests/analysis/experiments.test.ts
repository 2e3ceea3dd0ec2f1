import { describe, expect, test } from 'vitest'
import type { Model, StepInfo } from '../../src/api/model.ts'
import {
  anatomyOfSteps,
  computeBranch,
  partKey,
  partsOf,
  readActivation,
  readNorms,
  scaleEdits,
  steeringVector,
  TokenTree,
} from '../../src/analysis/index.ts'
import { recordedSteps } from '../ui/recordedSteps.ts'

const STEPS = await recordedSteps('llama')
const ANATOMY = anatomyOfSteps(STEPS)

/** Traces `[rows, 2]`: a token's id, and the layer of the step. */
function tracing(steps: readonly StepInfo[] = STEPS) {
  const asked: (readonly string[])[] = []
  const trace: Model['trace'] = (ids, { probes }) => {
    asked.push(probes)
    const known = probes.filter((probe) => steps.some(({ name }) => name === probe))
    const of = (probe: string) => {
      const layer = steps.find(({ name }) => name === probe)?.layer ?? 0
      return { shape: [ids.length, 2], axes: [], data: Float32Array.from(ids.flatMap((id) => [id, layer])) }
    }
    return Promise.resolve(new Map(known.map((probe) => [probe, of(probe)])))
  }
  return { trace, asked }
}

describe('parts that are switched off', () => {
  const layer = ANATOMY.layers[1]!

  test('are the heads of a layer, its outputs, and all of them together', () => {
    expect(partsOf(layer).map(partKey)).toEqual([
      ...[0, 1, 2, 3].map((head) => `layers.1.attn.context/${head}`),
      'layers.1.attn.o/',
      'layers.1.mlp.down/',
      'layers.1/',
    ])
  })

  test('become an edit for every step that they write through', () => {
    expect(scaleEdits(ANATOMY, { step: 'layers.1', head: null }, 0)).toEqual([
      { kind: 'scale', step: 'layers.1.attn.o', factor: 0 },
      { kind: 'scale', step: 'layers.1.mlp.down', factor: 0 },
    ])
    expect(scaleEdits(ANATOMY, { step: 'layers.0.attn.context', head: 2 }, 0.5, { from: 1, to: 3 })).toEqual([
      { kind: 'scale', step: 'layers.0.attn.context', head: 2, factor: 0.5, from: 1, to: 3 },
    ])
  })
})

describe('steering', () => {
  test('a vector is what one text computes behind its last token minus what another does', async () => {
    const vector = await steeringVector(tracing(), 'layers.1.resid', { toward: [5, 9], away: [4] })
    expect([...vector]).toEqual([5, 0])
  })

  test.each([
    ['a step that there is not', 'layers.9.resid', 0],
    ['a position behind the text', 'layers.1.resid', 3],
    ['a position before the text', 'layers.1.resid', -1],
  ])('%s is refused by name', async (_, step, position) => {
    const reading = readActivation(tracing(), [1, 2, 3], step, position)
    await expect(reading).rejects.toThrow(`There is no ${step} at position ${position}`)
  })
})

test('norms of a kind of activation are read layer by layer, at every position', async () => {
  const { trace, asked } = tracing()
  const model = { info: { layers: 2, hidden: 2 }, trace, steps: () => Promise.resolve(STEPS) }
  const { norms, positions } = await readNorms(model as unknown as Model, [3, 4], 'stream')
  expect(asked).toEqual([['layers.0.resid', 'layers.1.resid']])
  expect(positions).toBe(2)
  expect([...norms]).toEqual([3, 4, Math.hypot(3, 1), Math.hypot(4, 1)].map(Math.fround))
})

test('a branch is forked token by token, and given up once nobody waits for it', async () => {
  const tree = new TokenTree('m')
  const root = tree.add(tree.root, {
    id: 1,
    text: 'a',
    logprob: null,
    prompt: true,
    random: null,
    finish: null,
  })
  root.next = [{ id: 2, text: 'b', logprob: -0.5 }]
  const forks: (readonly [readonly number[], number])[] = []
  const fork = (before: readonly number[], _: number, id: number) => {
    forks.push([[...before], id])
    return Promise.resolve({ next: { top: [{ id: 3, text: '', logprob: -2 }] } })
  }
  const tokenTexts = (ids: readonly number[]) => Promise.resolve(ids.map((id) => `<${id}>`))
  const model = { info: { hasTokenizer: true }, fork, tokenTexts } as unknown as Model
  const computed = await computeBranch(model, root, [2, 3], 4, () => true)
  expect(forks).toEqual([
    [[1], 2],
    [[1, 2], 3],
  ])
  expect(computed?.map(({ token: { text, logprob } }) => [text, logprob])).toEqual([
    ['<2>', -0.5],
    ['<3>', -2],
  ])
  expect(await computeBranch(model, root, [2], 4, () => false)).toBeNull()
})
