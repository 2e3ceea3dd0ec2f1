import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Model } from '../../src/index.ts'
import { greedyIds } from './fixtureModel.ts'
import { readJson, TINY, withConfig, withModel } from './modelFixtures.ts'

const FOLDER = join(TINY, 'llama')
const LARGE = 65_504
const OPTIONS = { maxTokens: 6, stop: [] }

/** The files of the fixture, one of its tensors multiplied by a factor. */
function scaledFiles(tensor: string, factor: number): Map<string, Uint8Array> {
  const files = withConfig(FOLDER, 'config.json')
  const bytes = new Uint8Array(readFileSync(join(FOLDER, 'model.safetensors')))
  const view = new DataView(bytes.buffer)
  const headerBytes = Number(view.getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >
  const { dtype, data_offsets: offsets } = header[tensor]!
  expect(dtype).toBe('F32')
  const [begin, end] = offsets.map((offset) => offset + 8 + headerBytes) as [number, number]
  for (let at = begin; at < end; at += 4) view.setFloat32(at, view.getFloat32(at, true) * factor, true)
  return files.set('model.safetensors', bytes)
}

const prompt = (readJson(join(FOLDER, 'expected.json')) as { ids: number[] }).ids

const isOdd = ({ nan, infinite, large }: { nan: number; infinite: number; large: number }): boolean =>
  nan + infinite + large > 0

const dispatches = async (model: Model, work: () => Promise<unknown>): Promise<number> => {
  const before = await model.counters()
  await work()
  const after = await model.counters()
  return (after.dispatches - before.dispatches) / (after.forwards - before.forwards)
}

test('a sound model has nothing odd; watching adds a dispatch a step and changes no token, and ends', () =>
  withModel(FOLDER, {}, async (model) => {
    const write = (): Promise<number[]> => greedyIds(model, prompt, OPTIONS)
    const plain = await write()
    expect(await model.watchedValues()).toEqual([])
    await model.watchValues(true)
    expect(await write()).toEqual(plain)
    const steps = await model.watchedValues()
    expect(steps.filter(isOdd)).toEqual([])
    expect(steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['embed', 'layers.1.resid', 'logits']),
    )
    expect(steps.at(-1)?.step).toBe('logits')
    expect(steps.every(({ peak }) => peak > 0 && peak < LARGE)).toBe(true)
    const watched = await dispatches(model, write)
    await model.watchValues(false)
    expect(await model.watchedValues()).toEqual([])
    expect(watched).toBeGreaterThan(await dispatches(model, write))
    expect((await model.memory()).byLabel).not.toHaveProperty('watch')
  }))

/** Large but finite values, infinities, and NaN: each is counted where it begins. */
test.each([
  { factor: 1e6, kind: 'large' },
  { factor: 1e38, kind: 'infinite' },
  { factor: NaN, kind: 'nan' },
] as const)('a weight × $factor: the step that it overflows is named first, as $kind', ({ factor, kind }) =>
  withModel(scaledFiles('model.layers.1.mlp.down_proj.weight', factor), {}, async (model) => {
    await model.watchValues(true)
    // Logits that are none end a run with an error; what was counted until then stays.
    const ids = await greedyIds(model, prompt, OPTIONS).catch(() => null)
    const [first, ...others] = (await model.watchedValues()).filter(isOdd)
    expect(first?.step).toBe('layers.1.resid')
    expect(first?.[kind]).toBeGreaterThan(0)
    if (kind !== 'large') return
    // As many as a forward of the same rows has in that step: rows of the program beyond the text's are not counted.
    const text = [...prompt, ...ids!.slice(0, -1)]
    const { data } = (await model.trace(text, { probes: ['layers.1.resid'] })).get('layers.1.resid')!
    expect(first?.large).toBe(data.filter((value) => Math.abs(value) >= LARGE).length)
    expect(first?.peak).toBeCloseTo(
      data.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      -2,
    )
    expect(others.some(({ step }) => step.startsWith('layers.0.'))).toBe(false)
  }),
)

test('edits, and a switch while a text is written count like any other', () =>
  withModel(FOLDER, {}, async (model) => {
    const edits = [{ step: 'layers.0.resid', kind: 'scale', factor: 1e6 }] as const
    let seen = 0
    for await (const token of model.generate(prompt, { ...OPTIONS, temperature: 0, edits })) {
      seen += 1
      if (token.index === 1) await model.watchValues(true)
    }
    expect(seen).toBe(OPTIONS.maxTokens)
    const [first] = (await model.watchedValues()).filter(isOdd)
    expect(first?.step).toMatch(/^layers\.0\.resid/)
  }))
