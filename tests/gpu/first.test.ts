import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { loadModel } from '../../src/index.ts'
import { testDevice } from './device.ts'

for (const limits of ['default', 'adapter'] as const)
it('stories260K ' + limits, async () => {
  const { device, description } = await testDevice({ limits, features: limits === 'adapter' ? 'all' : [] })
  const dir = '../shared/models/stories260K'
  const expected = JSON.parse(await readFile(dir + '/expected.json', 'utf8'))
  const t0 = performance.now()
  const model = await loadModel(dir, { device, onProgress: (p) => p.stage !== 'weights' && console.log(p.stage, performance.now() - t0) })
  console.log(description, model.info)
  const logits = await model.logits(expected.prefix_ids)
  const last = logits.data.slice(-512)
  let worst = 0
  expected.last_logits_f64_reference.forEach((v: number, i: number) => (worst = Math.max(worst, Math.abs(v - last[i]!))))
  console.log('max logit error', worst)
  const got: number[] = []
  let text = ''
  const t = performance.now()
  for await (const token of model.generate([1], { temperature: 0, maxTokens: expected.greedy_from_bos.length - 1, stop: [] })) { got.push(token.id); text += token.text }
  console.log('tok/s', got.length / (performance.now() - t) * 1000, text.slice(0, 80))
  console.log(await model.counters(), await model.memory())
  expect(worst).toBeLessThan(1e-3)
  expect(got).toEqual(expected.greedy_from_bos.slice(1))
  await model.dispose()
})
