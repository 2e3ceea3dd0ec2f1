import { it } from 'vitest'
import { kernel, spreadProviders } from '../../src/gpu/providers.ts'
import { composeWgsl } from '../../src/gpu/shader.ts'
import { parseVariant } from '../../src/gpu/variants.ts'
import { selectKernel } from '../../src/ops/select.ts'
import matvec from '../../shaders/ops/matvec.wgsl?raw'
import page from '../../shaders/ops/attention_page.wgsl?raw'
import { testDevice } from './device.ts'
it('jit', async () => {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const variant = parseVariant(process.env.VARIANTS ?? 'f16-alone-wg32', { f16: device.features.has('shader-f16'), subgroups: true })
  const w = variant.f16 ? 'weights_f16_native' : 'weights_f16'
  const list: any = {}
  for (const ROWS of process.env.ROWS ? [] : [1, 4, 8]) {
    const mv = (p: any[]) => composeWgsl(kernel({ name: 'matvec', text: matvec }, ['adapter_none', ...p, ...spreadProviders(variant)], { ROWS, RAGGED: 0 }), variant)
    list['plain' + ROWS] = mv(['rows_all', w, 'finish_store', 'prologue_none', 'outputs_linear'])
    list['add' + ROWS] = mv(['rows_all', w, 'finish_add', 'prologue_none', 'outputs_linear'])
    list['norm' + ROWS] = mv(['rows_all', w, 'finish_store', 'prologue_rms', 'outputs_linear'])
    list['gated' + ROWS] = mv(['rows_all', w, 'finish_store', 'activations', 'activate_silu', 'prologue_rms', 'outputs_gated'])
  }
  list.select = composeWgsl(selectKernel(variant), variant)
  list.page = composeWgsl(kernel({ name: 'attention_page', text: page }, [], { DIM4: 8, GROUP: 2, SPLIT: 32 }), variant)
  const out: any = {}
  for (const [name, code] of Object.entries(list) as [string, string][]) {
    const t0 = performance.now()
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' } })
    const layout = pipeline.getBindGroupLayout(0)
    const at = [...code.matchAll(/@binding\((\d+)\) var<(uniform|storage, read_write|storage)/g)].map((m) => [Number(m[1]), m[2]] as const)
    const entries = at.map(([binding, kind]) => ({ binding, resource: { buffer: device.createBuffer({ size: 4096, usage: kind === 'uniform' ? 64 : 128 }) } }))
    const group = device.createBindGroup({ layout, entries })
    const t1 = performance.now()
    const e = device.createCommandEncoder(); const p = e.beginComputePass(); p.setPipeline(pipeline); p.setBindGroup(0, group); p.dispatchWorkgroups(1); p.end()
    device.queue.submit([e.finish()]); await device.queue.onSubmittedWorkDone()
    out[name] = `${Math.round(t1 - t0)}+${Math.round(performance.now() - t1)}`
  }
  console.log(JSON.stringify(out))
})
