import { createCheckpoint } from '../tensorStream.ts'
import type { Checkpoint, FileSource, TensorInfo, TensorQuirk, TensorType } from '../tensors.ts'
import type { GgufModel, GgufModelTensor } from './model.ts'
import type { GgufQuirk } from './quirks.ts'

function quirkOf(quirk: GgufQuirk | null): TensorQuirk | undefined {
  switch (quirk?.kind) {
    case 'interleavedRows':
      return { kind: 'interleaved', headRows: quirk.headDim }
    case 'normPlusOne':
      return { kind: 'plus-one' }
    case 'transposed':
      return { kind: 'turned' }
    case 'expandedRow':
    case undefined:
      return undefined
  }
}

/** The shape that Hugging Face's checkpoint has. */
function shapeOf({ shape, quirk }: GgufModelTensor): readonly number[] {
  if (quirk?.kind === 'transposed') return shape.toReversed()
  return quirk?.kind === 'expandedRow' ? [1, ...shape] : shape
}

/** The tensors of a GGUF model as a checkpoint, under Hugging Face's names and shapes. Nothing is read before {@link Checkpoint.read}. */
export function ggufCheckpoint(source: FileSource, model: GgufModel): Checkpoint {
  const tensors = [...model.tensors].map(([name, tensor]): TensorInfo => {
    const { type, file, offset, bytes, quirk } = tensor
    return {
      name,
      // What openGguf lets pass are floats and blocks that are read here.
      dtype: type as TensorType,
      shape: shapeOf(tensor),
      file,
      begin: offset,
      end: offset + bytes,
      quirk: quirkOf(quirk),
    }
  })
  const files = model.files.map(({ name, bytes }) => ({
    name,
    bytes,
    tensors: tensors.filter(({ file }) => file === name).toSorted((a, b) => a.begin - b.begin),
    // A file may be longer than its tensors.
    sizeKnown: true,
  }))
  return createCheckpoint(source, files, new Map(tensors.map((tensor) => [tensor.name, tensor])))
}
