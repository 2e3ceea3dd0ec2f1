import { create, globals } from 'webgpu'
import { invariant } from '../../src/errors.ts'
import { keepCompiled } from './compiled.ts'

export interface TestDeviceOptions {
  /** `default` (default): WebGPU's guaranteed limits; `adapter`: the most the adapter offers. */
  limits?: 'default' | 'adapter'
  /** Features that must be there, or `all` the adapter has. Default: none. */
  features?: readonly GPUFeatureName[] | 'all'
}

export interface TestDevice {
  device: GPUDevice
  adapter: GPUAdapter
  /** e.g. `mesa llvmpipe: Mesa 25.0.7`. */
  description: string
}

/** Dawn frees everything when the object that `create` returns is collected, so it lives as long as the process. */
interface ProcessGpu {
  gpu: GPU
  devices: Map<string, Promise<TestDevice>>
  errors: string[]
}

/**
 * Dawn looks for events in a loop of `setImmediate` that takes a whole core while anything is under way, which is the core that
 * compiles shaders. Its callbacks, the only native ones, wait a millisecond instead.
 */
function slowPolling(): void {
  const immediately = globalThis.setImmediate
  const schedule = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown =>
    Function.prototype.toString.call(callback).includes('[native code]')
      ? setTimeout(callback, 1, ...args)
      : immediately(callback, ...args)
  globalThis.setImmediate = Object.assign(schedule, immediately)
}

const holder = globalThis as typeof globalThis & { tokenscopeTestGpu?: ProcessGpu }

function processGpu(): ProcessGpu {
  if (!holder.tokenscopeTestGpu) {
    slowPolling()
    Object.assign(globalThis, globals) // GPUBufferUsage and the other constants, as in a browser
    // Times in whole nanoseconds: the default rounds them to 65,536 ns.
    const gpu = create(['disable-dawn-features=timestamp_quantization'])
    holder.tokenscopeTestGpu = { gpu, devices: new Map(), errors: [] }
  }
  return holder.tokenscopeTestGpu
}

/** Dawn's `navigator.gpu` of this process, for tests that request their own adapter or device. */
export function testGpu(): GPU {
  return processGpu().gpu
}

/**
 * A device of the software GPU, shared by all tests of the process that ask for the same options, with all it has compiled. A test that
 * destroys it or leaves state behind should use {@link freshTestDevice}. Errors that no scope catches fail the test that is running.
 */
export function testDevice(options: TestDeviceOptions = {}): Promise<TestDevice> {
  const { devices } = processGpu()
  const key = JSON.stringify([options.limits ?? 'default', options.features ?? []])
  const cached = devices.get(key)
  if (cached) return cached
  const created = freshTestDevice(options).then((test) => {
    keepCompiled(test.device)
    return test
  })
  devices.set(key, created)
  const forget = () => devices.delete(key)
  created.then(({ device }) => device.lost.then(forget), forget)
  return created
}

/** A device of one's own, to lose or destroy. Errors that no scope catches fail the test that is running. */
export async function freshTestDevice({
  limits = 'default',
  features = [],
}: TestDeviceOptions = {}): Promise<TestDevice> {
  const { gpu, errors } = processGpu()
  const adapter = await gpu.requestAdapter()
  invariant(adapter, 'Dawn found no GPU: run these tests through `npm test`, which chooses a Vulkan driver')
  const requiredFeatures = features === 'all' ? [...adapter.features] : features // a set of names, typed as strings
  const device = await adapter.requestDevice({
    requiredFeatures: requiredFeatures as GPUFeatureName[],
    requiredLimits: limits === 'adapter' ? adapterLimits(adapter) : {},
  })
  device.addEventListener('uncapturederror', ({ error }) => {
    errors.push(`${error.constructor.name}: ${error.message}`)
  })
  const { vendor, description } = adapter.info
  return { device, adapter, description: `${vendor} ${description}` }
}

/** Every limit at the adapter's value. Limits are getters on the prototype, so they are not own properties. */
function adapterLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {}
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits]
    if (typeof value === 'number') limits[name] = value
  }
  return limits
}

/** The errors no scope has caught since the last call, after everything submitted has run. */
export async function takeUncapturedErrors(): Promise<string[]> {
  const { devices, errors } = processGpu()
  const settled = await Promise.allSettled(devices.values())
  for (const created of settled) {
    if (created.status === 'fulfilled') await created.value.device.queue.onSubmittedWorkDone()
  }
  return errors.splice(0)
}
