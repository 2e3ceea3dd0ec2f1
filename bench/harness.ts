import { readdirSync, readFileSync } from 'node:fs'
import { invariant } from '../src/errors.ts'
import { describeDevice, type OpenedDevice } from '../src/gpu/device.ts'
import { nodeGpu } from '../src/gpu/node.ts'

/** One line of a bench's output. Every number stands with the device and the variant it was measured on. */
export interface Result {
  name: string
  value: number
  unit: string
  adapter: string
  variant?: string
  shape?: string
  /** Lowest and highest of the rounds, in the same unit. */
  spread?: readonly [number, number]
  rounds?: number
  [detail: string]: unknown
}

export type Emit = (result: Omit<Result, 'adapter'>) => void

/** Something that can be encoded into a compute pass; called once per round, so that buffers may rotate. */
export interface Work {
  readonly name: string
  encode(encoder: GPUCommandEncoder): void
}

/**
 * A device with everything the adapter has, and its description for the result lines. Throws when it is not of the vendor asked
 * for: a software driver in place of a GPU must never be measured as that GPU.
 */
export async function openBenchDevice(vendor?: string): Promise<OpenedDevice & { adapter: string }> {
  const gpu = await nodeGpu()
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  invariant(adapter, 'a WebGPU adapter')
  const requiredFeatures = (['shader-f16', 'subgroups', 'timestamp-query'] as const).filter((name) =>
    adapter.features.has(name),
  )
  const {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX,
  } = adapter.limits
  const requiredLimits = {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX,
  }
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits })
  const opened = describeDevice(device)
  if (vendor !== undefined && adapter.info.vendor.toLowerCase() !== vendor.toLowerCase())
    throw new Error(`the adapter is of vendor "${adapter.info.vendor}", not "${vendor}"`)
  return { ...opened, adapter: `${opened.backend} ${adapter.info.description}`.trim() }
}

const TASKS = '/proc/self/task'

/**
 * Milliseconds of processor time that threads other than this one have taken: those of a software adapter work, this one only waits.
 * NaN where the system does not say.
 */
export function workersMs(): number {
  try {
    return readdirSync(TASKS)
      .filter((task) => Number(task) !== process.pid)
      .map((task) => readFileSync(`${TASKS}/${task}/schedstat`, 'utf8').split(' ')[0])
      .reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) return NaN // no such folder, or a thread that just ended
    throw cause
  }
}

/** Milliseconds from submit to done. On a software adapter this is the work; on a GPU choose work of some milliseconds. */
async function timeOnce(device: GPUDevice, work: Work): Promise<{ ms: number; cpu: number }> {
  const encoder = device.createCommandEncoder({ label: work.name })
  work.encode(encoder)
  const commands = encoder.finish()
  const before = workersMs()
  const started = performance.now()
  device.queue.submit([commands])
  await device.queue.onSubmittedWorkDone()
  return { ms: performance.now() - started, cpu: workersMs() - before }
}

export interface Timing {
  readonly name: string
  /** Milliseconds per round, in order. */
  readonly rounds: readonly number[]
  readonly median: number
  /** Processor time of each round, which says more on a busy machine: see {@link workersMs}. */
  readonly cpu: readonly number[]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Times several works in turn, round by round, so that a change of the machine's load meets all of them alike. */
export async function interleave(
  device: GPUDevice,
  works: readonly Work[],
  rounds: number,
): Promise<Timing[]> {
  for (const work of works) await timeOnce(device, work) // compiles and warms up
  const times = works.map((): { ms: number; cpu: number }[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, work] of works.entries()) times[i]?.push(await timeOnce(device, work))
  }
  return works.map(({ name }, i) => {
    const of = (which: 'ms' | 'cpu'): number[] => times[i]?.map((time) => time[which]) ?? []
    return { name, rounds: of('ms'), median: median(of('ms')), cpu: of('cpu') }
  })
}

/** How many times longer `a` took than `b`, least time against least time: a busy machine only ever adds to a time. */
export function ratio(a: Timing, b: Timing): number {
  return Math.min(...a.rounds) / Math.min(...b.rounds)
}

/** The same of the processor time. */
export function cpuRatio(a: Timing, b: Timing): number {
  return Math.min(...a.cpu) / Math.min(...b.cpu)
}

/** Least and most, for a line's spread. */
export function spread(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

/** A compute pipeline from WGSL that already has its constants. */
export function pipelineOf(device: GPUDevice, label: string, code: string): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ label, code })
  return device.createComputePipelineAsync({ label, layout: 'auto', compute: { module, entryPoint: 'main' } })
}

/** Bytes that are neither zero nor periodic over a page, so that no cache of equal pages helps. */
export function fillBuffer(device: GPUDevice, buffer: GPUBuffer, seed: number): void {
  const chunk = new Uint32Array(1 << 18)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < chunk.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    chunk[i] = (state & 0x83ff_83ff) | 0x2800_2800 // small numbers, read as f16 pairs, as f32 and as quants
  }
  for (let at = 0; at < buffer.size; at += chunk.byteLength) {
    device.queue.writeBuffer(buffer, at, chunk, 0, Math.min(chunk.length, (buffer.size - at) / 4))
  }
}
