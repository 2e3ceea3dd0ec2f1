import { expect, test } from 'vitest'
import { freshTestDevice, takeUncapturedErrors, testDevice } from './device.ts'

test('devices are shared by options', async () => {
  const first = await testDevice()
  expect(await testDevice({ limits: 'default' })).toBe(first)
  expect(await testDevice({ limits: 'adapter', features: 'all' })).not.toBe(first)
})

test('the default device has the guaranteed limits, the other those of the adapter', async () => {
  const { device } = await testDevice()
  expect(device.limits.maxStorageBuffersPerShaderStage).toBe(8)
  expect(device.limits.maxComputeInvocationsPerWorkgroup).toBe(256)
  const { device: large, adapter } = await testDevice({ limits: 'adapter', features: 'all' })
  expect(large.limits.maxComputeInvocationsPerWorkgroup).toBe(
    adapter.limits.maxComputeInvocationsPerWorkgroup,
  )
  expect(large.limits.maxBufferSize).toBe(adapter.limits.maxBufferSize)
  expect([...large.features]).toEqual(expect.arrayContaining([...adapter.features]))
})

test('an error outside any scope is caught', async () => {
  const { device } = await testDevice()
  device.createBuffer({
    label: 'wrong on purpose',
    size: 4,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE,
  })
  expect(await takeUncapturedErrors()).toEqual([expect.stringMatching(/^GPUValidationError: .*/)])
  expect(await takeUncapturedErrors()).toEqual([])
})

test('a destroyed device is not handed out again', async () => {
  const options = { features: ['timestamp-query'] } as const
  const { device } = await testDevice(options)
  device.destroy()
  await device.lost
  expect((await testDevice(options)).device).not.toBe(device)
  const { device: own } = await freshTestDevice()
  own.destroy()
  expect((await own.lost).reason).toBe('destroyed')
})
