import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

import { randomUniform, seedWords } from '../../src/maths/rng.ts'
import { randomSource } from '../random.ts'
import { testDevice } from './device.ts'

const MAIN = /* wgsl */ `
@group(0) @binding(0) var<storage, read> draws: array<vec3u>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&draws)) { return; }
  result[id.x] = random_uniform(draws[id.x].x, draws[id.x].y, draws[id.x].z);
}`

/** [seed_lo, seed_hi, counter] of each draw, padded to the 16 bytes of a vec3u in an array. */
function packDraws(draws: readonly (readonly [seed: number, counter: number])[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(draws.flatMap(([seed, counter]) => [...seedWords(seed), counter, 0]))
}

test('random.wgsl draws the very numbers of rng.ts', async () => {
  const { device } = await testDevice()
  const random = randomSource(12)
  const word = (): number => random.integer(2 ** 32)
  const draws: [seed: number, counter: number][] = [
    [0, 0],
    [2 ** 53 - 1, 2 ** 32 - 1],
  ]
  for (let i = 0; i < 1000; i++) draws.push([random.integer(2 ** 21) * 2 ** 32 + word(), word()])
  const code = (await readFile(new URL('../../shaders/lib/random.wgsl', import.meta.url), 'utf8')) + MAIN
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  })
  const packed = packDraws(draws)
  const size = draws.length * 4
  const input = device.createBuffer({
    size: packed.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  })
  const output = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC })
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(input, 0, packed)
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [input, output].map((buffer, binding) => ({ binding, resource: { buffer } }))
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(Math.ceil(draws.length / 64))
  pass.end()
  encoder.copyBufferToBuffer(output, 0, staging, 0, size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const got = Array.from(new Float32Array(staging.getMappedRange()))
  expect(got).toEqual(draws.map(([seed, counter]) => randomUniform(seed, counter)))
  for (const buffer of [input, output, staging]) buffer.destroy()
})
