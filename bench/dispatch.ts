import type { OpenedDevice } from '../src/gpu/device.ts'
import { interleave, median, pipelineOf, spread, type Emit, type Timing, type Work } from './harness.ts'
import type { SuiteOptions } from './products.ts'

const COUNT = 1000
const EMPTY = '@compute @workgroup_size(1) fn main() {}'
/** Every dispatch waits for the one before: they write the same word, as the steps of a forward write what the next one reads. */
const CHAINED = `@group(0) @binding(0) var<storage, read_write> word: array<u32>;
@compute @workgroup_size(1) fn main() { word[0] += 1u; }`

function dispatchAll(
  pass: GPUComputePassEncoder,
  pipeline: GPUComputePipeline,
  group: GPUBindGroup | null,
): void {
  for (let i = 0; i < COUNT; i++) {
    pass.setPipeline(pipeline)
    if (group) pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(1)
  }
}

/** What a dispatch and a submit cost by themselves, so that they can be told from a kernel's time. */
export async function benchDispatch(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  const word = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE })
  const empty = await pipelineOf(device, 'empty', EMPTY)
  const chained = await pipelineOf(device, 'chained', CHAINED)
  const group = device.createBindGroup({
    layout: chained.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: word } }],
  })
  const work = (name: string, pipeline: GPUComputePipeline | null): Work => ({
    name,
    encode(encoder) {
      const pass = encoder.beginComputePass()
      if (pipeline) dispatchAll(pass, pipeline, pipeline === chained ? group : null)
      pass.end()
    },
  })
  const works = [work('submit', null), work('dispatch', empty), work('dispatch.chained', chained)]
  const times = await interleave(device, works, Math.max(9, options.rounds))
  const submit = times[0] as Timing
  for (const time of times) {
    const alone = time === submit
    const microseconds = time.rounds.map((ms) =>
      alone ? ms * 1000 : ((ms - Math.min(...submit.rounds)) * 1000) / COUNT,
    )
    emit({
      name: `cost.${time.name}`,
      value: median(microseconds),
      unit: 'µs',
      least: Math.min(...microseconds),
      spread: spread(microseconds),
      rounds: time.rounds.length,
    })
  }
  word.destroy()
}
