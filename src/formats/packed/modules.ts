import { invariant, TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import { decodeFloats } from '../floats.ts'
import type { Checkpoint, TensorInfo, TensorType } from '../tensors.ts'

/** A tensor of the model that a file holds packed, and where its bytes are. */
export interface PackedTensor {
  /** As the model knows it: under the file's own place and the module's name. */
  readonly tensor: TensorInfo
  /** The file's tensor of the packed weights. */
  readonly stored: string
}

/** What a checkpoint's packed tensors become. */
export interface PackedTensors {
  readonly packed: readonly PackedTensor[]
  /** Tensors that belong to packed ones and say nothing that is needed. */
  readonly unused: readonly string[]
  readonly remarks: readonly string[]
}

/** The largest power of two that divides a whole number, as far as `most`. */
export function evenPart(count: number, most = 2 ** 30): number {
  return Math.min(count & -count, most)
}

/** A tensor that must be there beside another. */
export function companion(
  { tensors }: Checkpoint,
  owner: TensorInfo,
  name: string,
  what: string,
): TensorInfo {
  const tensor = tensors.get(name)
  if (tensor) return tensor
  throw badFile(
    owner.file,
    name,
    'missing',
    `there: ${what} of ${owner.name}`,
    'A part of the checkpoint is missing; fetch the model again.',
  )
}

/** Refuses a tensor of another shape or type. */
export function expectTensor(
  { file, name, shape, dtype }: TensorInfo,
  shapes: readonly (readonly number[])[],
  dtypes: readonly TensorType[],
): void {
  const text = (sizes: readonly number[]): string => `[${sizes.join(', ')}]`
  const hint = 'The tensors of the module do not belong together; fetch the model again.'
  if (!shapes.some((sizes) => text(sizes) === text(shape)))
    throw badFile(file, `${name}.shape`, text(shape), shapes.map(text).join(' or '), hint)
  if (dtypes.includes(dtype)) return
  throw new TokenscopeError(
    'unsupported',
    `${file}: ${name}.dtype is ${dtype}, expected ${dtypes.join(' or ')}.`,
    {
      hint: 'Use a checkpoint whose scales are of one of these types.',
      details: { file, field: `${name}.dtype`, got: dtype, expected: dtypes.join(', ') },
    },
  )
}

/** Values of a companion that was delivered. */
export function floatsOf({ name, dtype }: TensorInfo, bytes: ReadonlyMap<string, Uint8Array>): Float32Array {
  return decodeFloats(dtype, bytesOf(name, bytes))
}

export function bytesOf(name: string, bytes: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const data = bytes.get(name)
  invariant(data, `${name} was delivered`)
  return data
}

export function wordsOf(name: string, bytes: ReadonlyMap<string, Uint8Array>): Uint32Array {
  // Chunks may begin anywhere.
  return new Uint32Array(bytesOf(name, bytes).slice().buffer)
}

export const f32Bits = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length)
