import { TokenscopeError } from '../errors.ts'
import type { Variant } from '../api/model.ts'
import { VARIANT_TABLE, type AdapterClass } from './variantTable.ts'

export type { AdapterClass } from './variantTable.ts'

/** SwiftShader, lavapipe (llvmpipe) and WARP run shaders on the CPU: small workgroups, costly barriers. */
export function adapterClass(
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>,
): AdapterClass {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase()
  return /swiftshader|llvmpipe|lavapipe|warp|microsoft basic|software/.test(text) ? 'cpu' : 'gpu'
}

interface VariantFeatures {
  f16: boolean
  subgroups: boolean
  /** Threads of the smallest subgroup; absent or 0: not known. */
  subgroupSize?: number
}

/**
 * Threads that make whole outputs use subgroups to pass inputs on. Measured: with 8 threads (lavapipe) a product takes 0.55 to 0.9 of the time,
 * with 4 (SwiftShader) 1.4 to 1.7 times as long.
 */
const PASSING_THREADS = 8

/** Whether subgroups pay, in variants with a thread for each output and in others. */
export function subgroupsPay(
  threadPerOutput: boolean,
  { subgroups, subgroupSize = 0 }: VariantFeatures,
): boolean {
  return subgroups && (!threadPerOutput || subgroupSize >= PASSING_THREADS)
}

function makeVariant(parts: Omit<Variant, 'name'>): Variant {
  const { f16, subgroups, threadPerOutput, workgroup } = parts
  const names = [
    f16 ? 'f16' : '',
    subgroups ? 'subgroups' : '',
    threadPerOutput ? 'perthread' : '',
    `wg${workgroup}`,
  ]
  return { name: names.filter((name) => name !== '').join('-'), ...parts }
}

/** The variant for an adapter class with the features the device has, or the one named. */
export function chooseVariant(kind: AdapterClass, available: VariantFeatures, forced?: string): Variant {
  if (forced !== undefined) return parseVariant(forced, available)
  const row = VARIANT_TABLE[kind]
  return makeVariant({ f16: available.f16, subgroups: subgroupsPay(row.threadPerOutput, available), ...row })
}

/** The plainest variant: f32, no subgroups, what every WebGPU device runs. The fallback of the self-test. */
export function baselineVariant(kind: AdapterClass): Variant {
  return makeVariant({ f16: false, subgroups: false, ...VARIANT_TABLE[kind] })
}

/** Parses names like `f16-subgroups-wg64`, `perthread-wg32`. Throws `bad-argument` for a bad name, `unsupported` for a missing feature. */
export function parseVariant(name: string, available: VariantFeatures): Variant {
  const match = /^(f16-)?(subgroups-)?(perthread-)?wg(32|64|128|256)$/.exec(name)
  if (!match) {
    throw new TokenscopeError('bad-argument', `"${name}" is not the name of a kernel variant.`, {
      hint: 'Names are [f16-][subgroups-][perthread-]wg32|64|128|256, e.g. "f16-subgroups-wg64" or "wg32".',
      details: { variant: name },
    })
  }
  const wanted = { f16: match[1] !== undefined, subgroups: match[2] !== undefined }
  if ((wanted.f16 && !available.f16) || (wanted.subgroups && !available.subgroups)) {
    throw new TokenscopeError('unsupported', `This device cannot run the kernel variant "${name}".`, {
      hint: 'Leave the variant out to have one chosen for this device.',
      details: { variant: name, available },
    })
  }
  return makeVariant({ ...wanted, threadPerOutput: match[3] !== undefined, workgroup: Number(match[4]) })
}
