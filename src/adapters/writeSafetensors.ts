import { invariant } from '../errors.ts'
import { f32ToF16 } from '../formats/floats.ts'

export interface OutputTensor {
  name: string
  dtype: 'F32' | 'F16'
  /** Row-major, outermost first. */
  shape: readonly number[]
}

const BYTES = { F32: 4, F16: 2 } as const
/** The header is padded so that data starts on a multiple of this, as the reference writer does. */
const ALIGNMENT = 8

function elements({ shape }: OutputTensor): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * Everything before the data: the length and the JSON header. The data must follow in the order given, without gaps.
 * For files too large to hold; {@link writeSafetensors} makes whole ones.
 */
export function safetensorsHeader(
  tensors: readonly OutputTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  invariant(new Set(tensors.map(({ name }) => name)).size === tensors.length, 'tensor names differ')
  let at = 0
  const entries: [string, unknown][] = [['__metadata__', { format: 'pt', ...metadata }]]
  for (const tensor of tensors) {
    const end = at + elements(tensor) * BYTES[tensor.dtype]
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] }])
    at = end
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const length = Math.ceil(json.byteLength / ALIGNMENT) * ALIGNMENT
  const bytes = new Uint8Array(8 + length).fill(0x20)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(json, 8)
  return bytes
}

/** Little-endian bytes of values; F16 is rounded to nearest even. */
export function encodeFloats(values: ArrayLike<number>, dtype: OutputTensor['dtype']): Uint8Array {
  const bytes = new Uint8Array(values.length * BYTES[dtype])
  const view = new DataView(bytes.buffer)
  for (let n = 0; n < values.length; n++) {
    const value = values[n] ?? 0
    if (dtype === 'F32') view.setFloat32(4 * n, value, true)
    else view.setUint16(2 * n, f32ToF16(value), true)
  }
  return bytes
}

/** A whole safetensors file in memory. */
export function writeSafetensors(
  tensors: readonly (OutputTensor & { values: ArrayLike<number> })[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = [safetensorsHeader(tensors, metadata)]
  for (const tensor of tensors) {
    invariant(tensor.values.length === elements(tensor), `${tensor.name} has as many values as its shape`)
    parts.push(encodeFloats(tensor.values, tensor.dtype))
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}
