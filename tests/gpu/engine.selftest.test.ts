import { expect, test } from 'vitest'
import type { LoadFormat } from '../../src/api/model.ts'
import { freshTestDevice, testDevice } from './device.ts'
import { collect, fixture, loadEngine, TALES } from './engine.support.ts'
import { watchBuffers } from './faults.device.ts'
import { TINY_MODELS } from './modelFixtures.ts'

const models = TINY_MODELS
const FORMATS: LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']

/**
 * A driver that gets one WGSL function wrong, in the shaders that hold `where`: its result goes through `wrong`, in which %
 * stands for the right one.
 */
function miscompile(device: GPUDevice, name: string, wrong: string, where = ''): { hits: number } {
  const counted = { hits: 0 }
  const declaration = new RegExp(`fn ${name}\\(([^)]*)\\) -> (\\w+) \\{`)
  const create = device.createShaderModule.bind(device)
  device.createShaderModule = (descriptor) => {
    if (!descriptor.code.includes(where) || !declaration.test(descriptor.code)) return create(descriptor)
    counted.hits += 1
    const code = descriptor.code.replace(declaration, (_, parameters: string, type: string) => {
      const names = parameters.split(',').map((parameter) => parameter.split(':')[0]?.trim())
      const call = wrong.replace('%', `right_${name}(${names.join(', ')})`)
      return `fn ${name}(${parameters}) -> ${type} { return ${call}; }\nfn right_${name}(${parameters}) -> ${type} {`
    })
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
    const checks = await model.selfTest()
    expect(checks.length).toBeGreaterThanOrEqual(3)
    expect(checks.filter(({ complaint }) => complaint !== null)).toEqual([])
    await model.dispose()
  },
)

test('is two forwards, compiles nothing of its own, and runs once on a device, as its kernels are compiled once', async () => {
  const { device } = await freshTestDevice()
  const model = await loadEngine(TALES, { device })
  const { pipelinesCompiled, forwards } = await model.counters()
  expect(forwards).toBe(2)
  await collect(model, [1, 2, 3], { temperature: 0, maxTokens: 2 })
  expect((await model.counters()).pipelinesCompiled).toBe(pipelinesCompiled)
  await model.dispose()
  const again = await loadEngine(TALES, { device })
  expect(await again.counters()).toMatchObject({ forwards: 0, pipelinesCompiled: 0 })
  await again.dispose()
  device.destroy()
})

interface Fault {
  what: string
  name: string
  wrong: string
  variant: string
  /** The model, default `llama`. */
  of?: string
}

test.each<Fault>([
  { what: 'reductions', name: 'workgroup_sum', wrong: '0.75 * %', variant: 'wg32' },
  // The only providers of their formats: every kernel is wrong alike.
  { what: 'weights', name: 'level4', wrong: '0.75 * %', variant: 'perthread-wg32' },
  {
    what: 'scales',
    name: 'group_word',
    wrong: '% + 0x800000u',
    variant: 'perthread-wg32',
    of: '../packed/nf4',
  },
  { what: 'an order in the sampler', name: 'precedes', wrong: '!(%)', variant: 'perthread-wg32' },
])('wrong $what: noticed, and said', async ({ name, wrong, variant, of = 'llama' }) => {
  const { device } = await freshTestDevice()
  const counted = miscompile(device, name, wrong)
  const model = await loadEngine(fixture(of), { device, variant })
  expect(counted.hits).toBeGreaterThan(0)
  expect(model.info.warnings.join()).toMatch(/The kernel variant \S+ computes wrong results .*do not trust/)
  await model.dispose()
  device.destroy()
})

test('a variant that computes wrongly gives way to the plain one, by name', async ({ skip }) => {
  const probe = await freshTestDevice({ features: 'all' })
  probe.device.destroy()
  if (!probe.device.features.has('shader-f16')) skip('skipped: needs a GPU adapter with shader-f16')
  const { device } = await freshTestDevice({ features: 'all' })
  const buffers = watchBuffers(device)
  const counted = miscompile(device, 'level4', '0.75 * %', 'vec4<f16>')
  const model = await loadEngine(fixture('llama'), { device, weights: 'f16' })
  expect(counted.hits).toBeGreaterThan(0)
  expect(model.info.variant).toMatchObject({ f16: false, subgroups: false })
  expect(model.info.warnings.join()).toMatch(
    /The kernel variant f16\S* computes wrong results .* \S+ is used instead\./,
  )
  const plain = await loadEngine(fixture('llama'), { weights: 'f16' })
  const options = { temperature: 0, maxTokens: 12 }
  expect((await collect(model, [4, 5], options)).ids).toEqual((await collect(plain, [4, 5], options)).ids)
  expect((await model.memory()).buffers).toBe(buffers.live)
  await model.dispose()
  await plain.dispose()
  expect(buffers.live).toBe(0)
  device.destroy()
})
