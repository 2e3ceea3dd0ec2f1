import { it } from 'vitest'
import { loadModel } from '/work/main/src/index.ts'
import { profileSteps } from '/work/main/src/gpu/profiler.ts'
import { testDevice } from '/work/main/tests/gpu/device.ts'
it('profile', async () => {
  const { device, description } = await testDevice({ limits: 'adapter', features: 'all' })
  for (const variant of (process.env.VARIANTS ?? 'wg32').split(',')) {
    const model = await loadModel('/work/main/public/models/tales-stand-in', { device, variant, weights: (process.env.W as any) ?? 'auto' }) as any
    const ids = [0]
    for (let i = 0; i < 64; i++) ids.push((i * 37) % 4000)
    const ts: number[] = []
    let last = performance.now()
    for await (const t of model.generate(ids, { temperature: 0, maxTokens: 40 })) { const n = performance.now(); ts.push(n - last); last = n }
    ts.sort((a, b) => a - b)
    const r = model.runner
    const bound = await r.live(1, 1)
    const times = await profileSteps(device, r.ledger, bound.steps)
    const by: Record<string, number> = {}
    for (const t of times) { const k = t.name.replace(/\d+/, 'N'); by[k] = (by[k] ?? 0) + (t.microseconds ?? 0) }
    // whole forward gpu time
    const t0 = performance.now()
    for (let i = 0; i < 10; i++) { const e = device.createCommandEncoder(); const p = e.beginComputePass(); for (const s of bound.steps) for (const d of s.dispatches) { p.setPipeline(d.pipeline); p.setBindGroup(0, d.group); p.dispatchWorkgroups(...d.grid) } p.end(); device.queue.submit([e.finish()]) }
    await device.queue.onSubmittedWorkDone()
    console.log(description, variant, 'median ms/token', ts[20], 'forward ms', (performance.now() - t0) / 10, by)
    await model.dispose()
  }
})
