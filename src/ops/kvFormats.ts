import f32Read from '../../shaders/lib/kv_f32.wgsl?raw'
import f32Write from '../../shaders/lib/kv_f32_write.wgsl?raw'
import type { KvFormatName } from '../api/load.ts'
import type { ProviderFile } from '../gpu/providers.ts'
import type { HeaderConsts } from '../gpu/shader.ts'
import { read, write, type Binding } from './op.ts'

/**
 * How keys and values lie in the cache: rows of one position of one head, `[pages, kvHeads, PAGE]` of them a layer, each padded to
 * whole vec4. Kernels read and write them only through the format's providers.
 */
export interface KvFormat {
  readonly name: KvFormatName
  /** vec4 of a row that one thread writes together. */
  readonly unit4: number
  /** Bytes of a row of so many vec4. */
  rowBytes(dim4: number): number
  readonly read: ProviderFile
  readonly write: ProviderFile
}

/** The cache of a layer: both buffers, and how rows lie in them. */
export interface KvPages {
  readonly k: GPUBuffer
  readonly v: GPUBuffer
  readonly format: KvFormat
}

export const KV_F32: KvFormat = {
  name: 'f32',
  unit4: 1,
  rowBytes: (dim4) => dim4 * 16,
  read: { name: 'lib/kv_f32.wgsl', text: f32Read },
  write: { name: 'lib/kv_f32_write.wgsl', text: f32Write },
}

/** vec4 that a head's row takes. */
export const dim4Of = (headDim: number): number => Math.ceil(headDim / 4)

/** Units that a head's row is written in. */
export const unitsOf = (headDim: number, { unit4 }: KvFormat): number => Math.ceil(dim4Of(headDim) / unit4)

/** What every kernel over the cache is compiled for. */
export const kvConsts = (headDim: number): HeaderConsts => ({ DIM4: dim4Of(headDim) })

/** Binding numbers that the providers name. */
const [KEYS, VALUES] = [10, 11]

export const keysRead = ({ k }: KvPages): Binding => read(KEYS, k)
export const valuesRead = ({ v }: KvPages): Binding => read(VALUES, v)
export const kvWritten = ({ k, v }: KvPages): Binding[] => [write(KEYS, k), write(VALUES, v)]

/** A format by its name; those that save memory are read when one is asked for. Throws `bad-argument` for another name. */
export async function kvFormat(name: KvFormatName = 'f32'): Promise<KvFormat> {
  if (name === 'f32') return KV_F32
  const { packedFormat } = await import('./kvPacked.ts')
  return packedFormat(name)
}
