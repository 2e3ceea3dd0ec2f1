import { expect, test } from 'vitest'
import { readdirSync } from 'node:fs'
import type { LoadProgress, WeightFormat } from '../../src/types.ts'
import { freshTestDevice, testDevice } from './device.ts'
import { collect, fixture, loadEngine, TALES } from './engine.support.ts'
import { watchBuffers } from './faults.device.ts'
import { publish } from '../figures.ts'

const models = readdirSync(fixture('.'))
const FORMATS: WeightFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']

/** Replaces text in every shader the device compiles: a driver that gets one thing wrong. */
function miscompile(device: GPUDevice, right: string | RegExp, wrong: string): { hits: number } {
  const counted = { hits: 0 }
  const create = device.createShaderModule.bind(device)
  device.createShaderModule = (descriptor) => {
    const code = descriptor.code.replace(right, wrong)
    if (code !== descriptor.code) counted.hits += 1
    return create({ ...descriptor, code })
  }
  return counted
}

test.each(models.flatMap((name) => FORMATS.map((weights) => ({ name, weights }))))(
  'sound kernels pass: $name as $weights',
  async ({ name, weights }) => {
    const { device } = await testDevice({ limits: 'adapter', features: 'all' })
    const model = await loadEngine(fixture(name), { device, weights })
    expect(model.info.warnings.join()).not.toContain('kernel variant')
    await model.dispose()
  },
)

test('is brief, compiles nothing of its own, and runs once on a device', async () => {
  const spent: number[] = []
  // The first device pays for what a software GPU compiles at the first dispatch.
  for (let n = 0; n < 2; n++) {
    const { device } = await freshTestDevice()
    let begin = 0
    const onProgress = ({ stage }: LoadProgress): void => {
      if (stage === 'self-test') begin = performance.now()
      if (stage === 'ready') spent.push(performance.now() - begin)
    }
    const model = await loadEngine(TALES, { device, onProgress })
    const { pipelinesCompiled, forwards } = await model.counters()
    expect(forwards).toBe(2)
    await collect(model, [1, 2, 3], { temperature: 0, maxTokens: 2 })
    expect((await model.counters()).pipelinesCompiled).toBe(pipelinesCompiled)
    await model.dispose()
    const again = await loadEngine(TALES, { device })
    expect((await again.counters()).forwards).toBe(0)
    await again.dispose()
    device.destroy()
  }
  publish({ name: 'self-test', value: Math.round(spent[1]!), unit: 'ms' })
  expect(spent[1]).toBeLessThan(300)
})

// Reductions that lose a lane, loads that swap two elements, a sampler that sorts wrongly.
test.each([
  [
    'reductions',
    'for (var i = lane.index; i < WORKGROUP; i += STRIDE)',
    'for (var i = lane.index + STRIDE; i < WORKGROUP; i += STRIDE)',
  ],
  ['the sampler', 'return keys[i] > keys[j]', 'return keys[i] < keys[j]'],
])('wrong %s are noticed', async (_, right, wrong) => {
  const { device } = await freshTestDevice()
  const counted = miscompile(device, right, wrong)
  const model = await loadEngine(fixture('llama'), { device })
  expect(counted.hits).toBeGreaterThan(0)
  expect(model.info.warnings.join()).toMatch(/The kernel variant \S+ computes wrong results .*do not trust/)
  await model.dispose()
  device.destroy()
})

test('a variant that computes wrongly gives way to the plain one, by name', async ({ skip }) => {
  const probe = await freshTestDevice({ features: 'all' })
  probe.device.destroy()
  if (!probe.device.features.has('subgroups')) skip('skipped: needs a GPU adapter with subgroups')
  const { device } = await freshTestDevice({ features: 'all' })
  const buffers = watchBuffers(device)
  const counted = miscompile(device, 'subgroupAdd(value)', 'value')
  const model = await loadEngine(fixture('llama'), { device })
  expect(counted.hits).toBeGreaterThan(0)
  expect(model.info.variant).toMatchObject({ f16: false, subgroups: false })
  expect(model.info.warnings.join()).toMatch(
    /The kernel variant \S*subgroups\S* computes wrong results .* \S+ is used instead\./,
  )
  const plain = await loadEngine(fixture('llama'))
  const options = { temperature: 0, maxTokens: 12 }
  expect((await collect(model, [4, 5], options)).ids).toEqual((await collect(plain, [4, 5], options)).ids)
  expect((await model.memory()).buffers).toBe(buffers.live)
  await model.dispose()
  await plain.dispose()
  expect(buffers.live).toBe(0)
  device.destroy()
})
