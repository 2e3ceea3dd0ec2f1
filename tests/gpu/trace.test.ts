import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openTrace, type Model, type SavedTrace } from '../../src/index.ts'
import { deflate, toPlanes } from '../../src/trace/pack.ts'
import { publish } from '../figures.ts'
import { collect, loadEngine, refusal, TALES } from './engine.support.ts'
import { withFixtureModel } from './fixtureModel.ts'

const bitsOf = (data: Float32Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length)

/** Every kept tensor against `model.trace`, bit for bit. */
async function expectSame(trace: SavedTrace, traced: Awaited<ReturnType<Model['trace']>>): Promise<void> {
  const kept = trace.steps.filter(({ stats }) => stats !== null).map(({ name }) => name)
  expect(kept.sort()).toEqual([...traced.keys()].sort())
  for (const name of kept) {
    const [saved, expected] = [await trace.tensor(name), traced.get(name)!]
    expect(saved.shape, name).toEqual(expected.shape)
    expect(bitsOf(saved.data), name).toEqual(bitsOf(expected.data))
  }
}

test.each(['llama', 'gpt2', 'qwen2'])('every tensor of %s survives the file bit for bit', async (name) => {
  await withFixtureModel(name, async (model) => {
    const ids = Array.from({ length: 11 }, (_, i) => (i * 13 + 1) % model.info.vocab)
    const steps = await model.steps({ rows: ids.length })
    const probes = steps.map(({ name }) => name)
    const trace = await openTrace(await model.saveTrace(ids, { probes }))
    await expectSame(trace, await model.trace(ids, { probes }))
    expect(trace.steps).toMatchObject(
      steps.map(({ name, op, output, flops, bytes }) => ({ name, op, output, flops, bytes })),
    )
    expect(trace.machine?.device).toBe(trace.model.backend)
    expect(trace.machine?.browser).toMatch(/./)
    expect(trace.machine?.limits['maxBufferSize']).toBeGreaterThan(0)
    expect(trace.texts).toEqual(ids.map(() => ''))
  })
})

test('a generated text: tokens, predictions, adapters and edits are kept as they were', async () => {
  const model = await loadEngine(TALES)
  try {
    const { id } = await model.addAdapter(resolve(TALES, '../../adapters/sad'), { name: 'sad', scale: 0.5 })
    const prompt = await model.encode('Once upon a time there was a little fox')
    const edits = [{ kind: 'scale', step: 'layers.1.attn.context', head: 2, factor: 0 }] as const
    const settings = { temperature: 0.8, seed: 4 }
    const { tokens, ids } = await collect(model, prompt, {
      ...settings,
      maxTokens: 12,
      topLogprobs: 5,
      edits,
    })
    const full = [...prompt, ...ids]
    const file = await model.saveTrace(full, { tokens, promptLength: prompt.length, settings, edits })
    const trace = await openTrace(file)
    await expectSame(
      trace,
      await model.trace(full, {
        probes: ['embed', 'layers.*.resid', 'layers.*.attn.probs', 'logits'],
        edits,
      }),
    )
    expect(trace).toMatchObject({ ids: full, promptLength: prompt.length, settings, tokens })
    // Of a local folder only its name is told.
    expect(trace.model.id).toBe('tales-3m')
    expect(trace.texts.join('')).toBe(await model.decode(full))
    expect(trace.adapters).toEqual([{ id, name: 'sad', scale: 0.5 }])
    expect(trace.edits).toEqual([
      { kind: 'scale', step: 'layers.1.attn.context', values: { head: 2, factor: 0 } },
    ])
    // What was captured while writing and what the saved forward predicts are the same, up to rounding.
    for (const { position, logprob, top } of tokens) {
      const before = trace.predictions[position - 1]!
      expect(before.next!.logprob).toBeCloseTo(logprob, 3)
      expect(before.top[0]!.text).toBe(top[0]!.text)
      expect(before.top[0]!.logprob).toBeCloseTo(top[0]!.logprob, 3)
    }
    await publishSizes(trace, file)
  } finally {
    await model.dispose()
  }
})

/** What sorting the bytes into planes saves, by kind of tensor. */
async function publishSizes(trace: SavedTrace, file: Uint8Array): Promise<void> {
  const kinds = { residuals: /resid$|embed/, attention: /probs$/, logits: /^logits$/ }
  for (const [kind, pattern] of Object.entries(kinds)) {
    const sums = { raw: 0, plain: 0, planes: 0 }
    for (const { name } of trace.steps.filter(({ name, stats }) => stats !== null && pattern.test(name))) {
      const { data } = await trace.tensor(name)
      const bytes = new Uint8Array(data.buffer)
      sums.raw += bytes.length
      sums.plain += (await deflate(bytes)).length
      sums.planes += (await deflate(toPlanes(bytes))).length
    }
    publish({ name: `trace file: ${kind}, deflated planes`, value: sums.planes, unit: 'bytes', ...sums })
  }
  publish({ name: 'trace file', value: file.length, unit: 'bytes', tokens: trace.ids.length })
}

test('what cannot be saved is refused by name', async () => {
  await withFixtureModel('llama', async (model) => {
    const token = { index: 0, position: 2, text: '', logprob: 0, top: [], random: null, finish: null }
    await refusal(model.saveTrace([1, 2, 3], { probes: ['layers.*.nothing'] }), 'bad-argument')
    await refusal(model.saveTrace([1, 2, 3], { promptLength: 4 }), 'bad-argument')
    await refusal(
      model.saveTrace([1, 2, 3], { promptLength: 2, tokens: [{ ...token, id: 9 }] }),
      'bad-argument',
    )
    await refusal(model.saveTrace([]), 'bad-argument')
    await refusal(openTrace(new Uint8Array(3)), 'bad-file')
  })
})
