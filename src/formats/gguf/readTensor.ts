import { readRange } from '../byteRange.ts'
import type { FileSource } from '../tensors.ts'
import { dequantise } from './dequantise.ts'
import type { GgufModelTensor } from './model.ts'
import { rowsOfCheckpoint } from './quirks.ts'

/**
 * The whole of a tensor in f32, as the checkpoint has it: rows in their order, norms less the 1 that was added. A transposed
 * one stays `[out, in]`. For small tensors and for checks; weights go to the GPU as they are.
 */
export async function readGgufTensor(
  source: FileSource,
  tensor: GgufModelTensor,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { type, file, offset, bytes, shape, quirk } = tensor
  const values = dequantise(type, await readRange(source, file, offset, offset + bytes, signal))
  switch (quirk?.kind) {
    case 'interleavedRows':
      return rowsOfCheckpoint(values, shape[0] ?? 1, quirk.headDim)
    case 'normPlusOne':
      return values.map((value) => value - 1)
    case 'transposed':
    case 'expandedRow':
    case undefined:
      return values
  }
}
