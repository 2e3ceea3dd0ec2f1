import { invariant } from '../errors.ts'
import { decodeFloats } from '../formats/floats.ts'
import type { PlaneLayout } from './formats/layout.ts'
import type { Plane } from './formats/record.ts'
import { shardRows, type StoredView } from './store.ts'

export type ReadBytes = (source: GPUBuffer, offset: number, bytes: number) => Promise<ArrayBuffer>

/** A row's bytes of a plane. */
export async function readPlane(
  read: ReadBytes,
  buffer: GPUBuffer,
  { rowBlocks, stride, words }: PlaneLayout,
  { name, bytes }: Plane,
  row: number,
): Promise<Uint8Array> {
  const length = rowBlocks * bytes
  const begin = name === 'quants' ? row * stride * 16 : words[name] * 4 + row * length
  const first = Math.floor(begin / 4) * 4
  const aligned = await read(buffer, first, Math.ceil((begin + length) / 4) * 4 - first)
  return new Uint8Array(aligned, begin - first, length)
}

/** One row of a view as the host reads the planes' bytes: without the shaders that every other reading goes through. */
export async function readRowOnHost(read: ReadBytes, view: StoredView, row: number): Promise<Float32Array> {
  const [place] = shardRows(view, row, 1)
  invariant(place, 'the view has the row')
  const { buffer, layout } = place.shard
  const { name, planes, pack, block } = layout.format
  const [quants] = planes
  if (block === 1 && pack && quants)
    return decodeFloats(
      name.toUpperCase() as 'F32' | 'F16' | 'BF16',
      await readPlane(read, buffer.gpu, layout, quants, place.row),
    )
  const { readBlocksOnHost } = await import('./hostBlocks.ts')
  return readBlocksOnHost(read, buffer.gpu, layout, place.row)
}
