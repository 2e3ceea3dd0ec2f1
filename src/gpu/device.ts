import { TokenscopeError } from '../errors.ts'
import { adapterClass, type AdapterClass } from './variants.ts'

export interface OpenedDevice {
  readonly device: GPUDevice
  /** e.g. `nvidia ampere`, `software (google swiftshader)`: what runs on the CPU says so. */
  readonly backend: string
  readonly kind: AdapterClass
  readonly features: { f16: boolean; subgroups: boolean; subgroupSize: number }
}

const WANTED_FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query']
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const

/** Describes a device that exists: what the badge and the variant table need. */
export function describeDevice(device: GPUDevice): OpenedDevice {
  const info = device.adapterInfo
  const name = [info.vendor, info.architecture || info.device].filter((part) => part !== '').join(' ')
  const label = name || info.description || 'unknown adapter'
  const kind = adapterClass(info)
  return {
    device,
    backend: kind === 'cpu' ? `software (${label})` : label,
    kind,
    features: {
      f16: device.features.has('shader-f16'),
      subgroups: device.features.has('subgroups'),
      subgroupSize: info.subgroupMinSize ?? 0,
    },
  }
}

/** Asks for a high-performance device with the adapter's own limits and the features the kernels can use. */
export async function openDevice(gpu: GPU | undefined): Promise<OpenedDevice> {
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) {
    throw new TokenscopeError(
      'no-webgpu',
      gpu ? 'WebGPU found no usable GPU adapter.' : 'This environment has no WebGPU.',
      {
        hint: 'Use a browser with WebGPU (Chrome or Edge 113+, Safari 26+, Firefox 141+) with hardware acceleration on.',
      },
    )
  }
  const requiredLimits: Record<string, number> = {}
  for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name]
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  })
  return describeDevice(device)
}
