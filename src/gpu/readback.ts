import { TokenscopeError } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from './ledger.ts'

/** Bytes `[begin, end)` of a buffer, whole words. */
export type ByteRange = readonly [begin: number, end: number]

/** The bytes of a staging buffer once its copies are done; valid until it is unmapped. Throws `device-lost`. */
export async function mapStaging(
  staging: LedgerBuffer,
  mode: 'READ' | 'WRITE' = 'READ',
): Promise<ArrayBuffer> {
  try {
    await staging.gpu.mapAsync(GPUMapMode[mode])
    return staging.gpu.getMappedRange()
  } catch (cause) {
    throw new TokenscopeError(
      'device-lost',
      `The GPU was lost while ${mode === 'READ' ? 'a result was read' : 'weights were loaded'}.`,
      {
        hint: 'Load the model again.',
        cause,
      },
    )
  }
}

/** Copies ranges of a buffer to the host, joined, in one mapping. Throws `device-lost`. */
export async function readBack(
  device: GPUDevice,
  ledger: BufferLedger,
  source: GPUBuffer,
  ranges: readonly ByteRange[],
): Promise<ArrayBuffer> {
  const bytes = ranges.reduce((sum, [begin, end]) => sum + end - begin, 0)
  if (bytes === 0) return new ArrayBuffer(0)
  const staging = ledger.create('staging', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
  try {
    const encoder = device.createCommandEncoder({ label: 'read back' })
    let at = 0
    for (const [begin, end] of ranges) {
      encoder.copyBufferToBuffer(source, begin, staging.gpu, at, end - begin)
      at += end - begin
    }
    device.queue.submit([encoder.finish()])
    return (await mapStaging(staging)).slice(0, bytes)
  } finally {
    ledger.destroy(staging)
  }
}
