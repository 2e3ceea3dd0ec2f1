/** Matrices on the GPU through the relay, and their values back through the kernels' own providers. */
import { PipelineCache } from '../../src/gpu/pipelines.ts'
import { parseVariant } from '../../src/gpu/variants.ts'
import { ALL_FORMATS } from '../../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../../src/weights/formats/index.ts'
import { planeLayout } from '../../src/weights/formats/layout.ts'
import { WeightRelay, type BlockRange, type Interleaving, type Planes } from '../../src/weights/relay.ts'
import { GROUP, groupWord } from '../weights/matrices.ts'
import { testDevice } from './device.ts'

const caches = new Map<string, PipelineCache>()

/** Pipelines of a variant; null when the adapter lacks one of its features. */
export async function formatPipelines(name = 'wg64'): Promise<PipelineCache | null> {
  const { device } = await testDevice(
    /f16|subgroups/.test(name) ? { limits: 'adapter', features: 'all' } : { limits: 'default' },
  )
  const available = { f16: device.features.has('shader-f16'), subgroups: device.features.has('subgroups') }
  if ((name.includes('f16') && !available.f16) || (name.includes('subgroups') && !available.subgroups))
    return null
  const cached = caches.get(name)
  if (cached && cached.device === device) return cached
  const cache = new PipelineCache(device, parseVariant(name, available))
  caches.set(name, cache)
  return cache
}

/** A buffer of these bytes, padded to whole words. */
export function upload(device: GPUDevice, bytes: Uint8Array, size = bytes.length): GPUBuffer {
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
  const buffer = device.createBuffer({
    size: Math.ceil(Math.max(size, 16) / 4) * 4,
    usage: STORAGE | COPY_DST | COPY_SRC,
  })
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  device.queue.writeBuffer(buffer, 0, padded)
  return buffer
}

export async function readBytes(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({
    size: buffer.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const bytes = staging.getMappedRange().slice(0)
  staging.destroy()
  return bytes
}

/** Planes of a matrix that start as they are made, or filled with ones so that what the relay leaves is seen; scales of groups are there. */
export function emptyPlanes(
  device: GPUDevice,
  format: FormatName,
  rows: number,
  cols: number,
  fill: 0 | 0xff = 0xff,
): Planes {
  const layout = planeLayout(ALL_FORMATS[format], rows, cols, GROUP)
  const bytes = new Uint8Array(layout.bytes).fill(fill)
  const scales = Uint32Array.from({ length: rows * layout.rowGroups }, (_, i) =>
    groupWord(format, i % layout.rowGroups),
  )
  bytes.set(new Uint8Array(scales.buffer), layout.words.scales * 4)
  return { buffer: upload(device, bytes), layout }
}

/** Encodes into one pass, submits. */
export async function run(
  { device }: PipelineCache,
  relay: WeightRelay,
  encode: (pass: GPUComputePassEncoder) => Promise<void>,
): Promise<void> {
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  await encode(pass)
  pass.end()
  relay.send()
  device.queue.submit([encoder.finish()])
  relay.release()
}

/** Relays a file's blocks in pieces cut after `cuts` blocks, each piece at another byte of its buffer. */
export async function relayPieces(
  pipelines: PipelineCache,
  target: Planes,
  blocks: Uint8Array,
  { first, count }: BlockRange,
  cuts: readonly number[],
  heads?: Interleaving,
): Promise<void> {
  const { device } = pipelines
  const relay = new WeightRelay(pipelines)
  const { blockBytes } = target.layout.format
  const edges = [0, ...cuts, count]
  for (const [i, from] of edges.slice(0, -1).entries()) {
    const to = edges[i + 1] ?? count
    const byte = blockBytes % 4 === 0 ? 4 * i : (i * 5) % 4
    const piece = new Uint8Array(byte + (to - from) * blockBytes)
    piece.set(blocks.subarray(from * blockBytes, to * blockBytes), byte)
    const staged = upload(device, piece)
    const range = { first: first + from, count: to - from }
    await run(pipelines, relay, (pass) => relay.relay(pass, { buffer: staged, byte }, target, range, heads))
    staged.destroy()
  }
}

/** Rows as f32 bits, through the provider of the pipelines' variant. */
export async function unpackBits(
  pipelines: PipelineCache,
  from: Planes,
  row: number,
  count: number,
): Promise<Uint32Array> {
  const { device } = pipelines
  const relay = new WeightRelay(pipelines)
  const out = upload(device, new Uint8Array(count * from.layout.cols * 4))
  await run(pipelines, relay, (pass) => relay.unpack(pass, from, row, count, out))
  const bits = new Uint32Array(await readBytes(device, out)).subarray(0, count * from.layout.cols)
  out.destroy()
  return bits
}

const isNan = (bits: number): boolean => (bits & 0x7fff_ffff) > 0x7f80_0000

/** Where two lists of f32 bits differ first, NaN being NaN whatever its payload; −1: nowhere. */
export function firstDifference(got: Uint32Array, expected: Uint32Array): number {
  if (got.length !== expected.length) return Math.min(got.length, expected.length)
  return got.findIndex((bits, i) => bits !== expected[i] && !(isNan(bits) && isNan(expected[i] ?? 0)))
}

export const bitsOf = (data: Float32Array): Uint32Array =>
  new Uint32Array(data.buffer, data.byteOffset, data.length)
