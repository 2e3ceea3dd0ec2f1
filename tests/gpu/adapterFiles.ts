import { writeSafetensors } from '../../src/adapters/writeSafetensors.ts'
import { invariant } from '../../src/errors.ts'
import type { Model } from '../../src/index.ts'

const WEIGHTS = 'adapter_model.safetensors'

/** An adapter as PEFT's files hold it. */
export interface AdapterFiles {
  readonly config: Uint8Array
  /** F32, by PEFT's names. */
  readonly tensors: Map<string, { shape: readonly number[]; values: Float32Array }>
}

/** Reads an exported adapter. */
export async function exportFiles(model: Model, id: string): Promise<AdapterFiles> {
  const files = await model.exportAdapter([{ id, scale: 1 }])
  const [config, bytes] = [files.get('adapter_config.json'), files.get(WEIGHTS)]
  invariant(config && bytes, 'an exported adapter has two files')
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  for (const [name, { shape, data_offsets: at }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const part = bytes.slice(8 + length + at[0], 8 + length + at[1])
    tensors.set(name, { shape, values: new Float32Array(part.buffer) })
  }
  return { config, tensors }
}

/** The files of an adapter with other values. */
export function withValues(
  { config, tensors }: AdapterFiles,
  change: (name: string, values: Float32Array) => Float32Array,
): Map<string, Uint8Array> {
  const list = [...tensors].map(([name, { shape, values }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    values: change(name, values),
  }))
  return new Map([
    ['adapter_config.json', config],
    [WEIGHTS, writeSafetensors(list)],
  ])
}
