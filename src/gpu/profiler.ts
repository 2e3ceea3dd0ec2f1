import { invariant, TokenscopeError } from '../errors.ts'
import type { BufferLedger } from './ledger.ts'

/** A dispatch ready to be encoded. */
export interface BoundDispatch {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly grid: readonly [number, number, number]
}

/** The dispatches of one step, by its name. */
export interface TimedStep {
  readonly name: string
  readonly dispatches: readonly BoundDispatch[]
}

/** Time of one step, measured by itself. Null: below the timer's resolution even after many repeats. */
export interface StepTime {
  readonly name: string
  readonly microseconds: number | null
  readonly repeats: number
}

/** A time counts once it exceeds this many steps of the timer. */
const RESOLUTION_FACTOR = 10
const MAX_REPEATS = 256

async function timePass(
  device: GPUDevice,
  ledger: BufferLedger,
  encodePass: (pass: GPUComputePassEncoder) => void,
): Promise<number> {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 })
  const resolved = ledger.create(
    'profiler:resolved',
    16,
    GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  )
  const staging = ledger.create('profiler:staging', 16, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
  try {
    const encoder = device.createCommandEncoder({ label: 'profile' })
    const pass = encoder.beginComputePass({
      label: 'profile',
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    })
    encodePass(pass)
    pass.end()
    encoder.resolveQuerySet(querySet, 0, 2, resolved.gpu, 0)
    encoder.copyBufferToBuffer(resolved.gpu, 0, staging.gpu, 0, 16)
    device.queue.submit([encoder.finish()])
    await staging.gpu.mapAsync(GPUMapMode.READ)
    const [begin, end] = new BigUint64Array(staging.gpu.getMappedRange())
    invariant(begin !== undefined && end !== undefined, 'two timestamps were written')
    return Number(end - begin)
  } finally {
    querySet.destroy()
    ledger.destroy(resolved)
    ledger.destroy(staging)
  }
}

/** Smallest non-zero difference that empty passes show, in nanoseconds: the timer's practical resolution. */
async function timerResolution(device: GPUDevice, ledger: BufferLedger): Promise<number> {
  let smallest = Infinity
  for (let i = 0; i < 8; i++) {
    const time = await timePass(device, ledger, () => undefined)
    if (time > 0) smallest = Math.min(smallest, time)
  }
  return Number.isFinite(smallest) ? smallest : 1
}

/**
 * Times each step of a bound program by itself: a pass per step with timestamps, the step repeated in it until the time exceeds
 * ten steps of the timer. A mode of its own: a live forward runs as one pass and is never timed this way. The batch of the last
 * forward is what the steps work on. Throws `unsupported` without `timestamp-query`.
 */
export async function profileSteps(
  device: GPUDevice,
  ledger: BufferLedger,
  steps: readonly TimedStep[],
): Promise<StepTime[]> {
  if (!device.features.has('timestamp-query')) {
    throw new TokenscopeError('unsupported', 'This device has no GPU timestamps.', {
      hint: 'Times per step cannot be measured here; everything else works.',
    })
  }
  const resolution = await timerResolution(device, ledger)
  const times: StepTime[] = []
  for (const { name, dispatches } of steps) {
    let repeats = 1
    let nanoseconds = 0
    for (; repeats <= MAX_REPEATS; repeats *= 4) {
      nanoseconds = await timePass(device, ledger, (pass) => {
        for (let i = 0; i < repeats; i++) {
          for (const { pipeline, group, grid } of dispatches) {
            pass.setPipeline(pipeline)
            pass.setBindGroup(0, group)
            pass.dispatchWorkgroups(...grid)
          }
        }
      })
      if (nanoseconds > RESOLUTION_FACTOR * resolution) break
    }
    const measured = nanoseconds > RESOLUTION_FACTOR * resolution
    times.push({
      name,
      microseconds: measured ? nanoseconds / 1000 / Math.min(repeats, MAX_REPEATS) : null,
      repeats: Math.min(repeats, MAX_REPEATS),
    })
  }
  return times
}
