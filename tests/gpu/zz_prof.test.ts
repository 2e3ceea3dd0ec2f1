import { it } from 'vitest'
import { loadModel } from '../../src/index.ts'
import { profileSteps } from '../../src/gpu/profiler.ts'
import { testDevice } from './device.ts'
it('profile', async () => {
  const { device, description } = await testDevice({ limits: 'adapter', features: 'all' })
  for (const variant of (process.env.VARIANTS ?? 'wg32').split(',')) {
    const t00 = performance.now()
    const stages: any = {}
    const model = await loadModel(process.env.M ?? 'public/models/tales-stand-in', { device, variant, weights: (process.env.W as any) ?? 'auto', onProgress: (p) => { stages[p.stage] = Math.round(performance.now() - t00) } }) as any
    const ids = [0]
    for (let i = 0; i < 64; i++) ids.push((i * 37) % 4000)
    const ts: number[] = []
    let last = performance.now()
    for await (const _ of model.generate(ids, { temperature: 0, maxTokens: 40 })) { const n = performance.now(); ts.push(n - last); last = n }
    ts.sort((a, b) => a - b)
    const r = model.runner
    const line: any = { variant, min: ts[1], median: ts[20] }
    const bounds = (process.env.ROWS ?? '1,8,32,128').split(',').map((n) => [Number(n), 1])
    const time = async (ds: any[]) => { let best = Infinity; for (let i = 0; i < 5; i++) { const e = device.createCommandEncoder(); const p = e.beginComputePass(); for (const d of ds) { p.setPipeline(d.pipeline); p.setBindGroup(0, d.group); p.dispatchWorkgroups(d.grid[0], d.grid[1], d.grid[2]) } p.end(); const t0 = performance.now(); device.queue.submit([e.finish()]); await device.queue.onSubmittedWorkDone(); best = Math.min(best, performance.now() - t0) } return best }
    for (const [rows, l] of bounds) {
      const bound = await r.live(rows, l)
      // fill the batch with that many rows
      const ring = { ringRow: 0, candidates: 1, inverseTemperature: 0, topK: 0, topP: 1, minP: 0, seed: [0, 0], counter: 0 }
      const seq = r.sequences.fork(null, 0, '')
      r.sequences.reserve(seq, rows)
      r.submit(bound, Array.from({ length: rows! }, (_, i) => ({ token: i + 5, position: i, pages: seq.pages, slot: seq.slot, logits: i === rows! - 1 ? ring : undefined })))
      line['f' + rows] = await time(bound.steps.flatMap((s: any) => s.dispatches))
      if (rows === 1) line.select = await time([{ ...r.select.dispatch, grid: [1, 1, 1] }])
      if (process.env.STEPS === String(rows)) {
        const by: Record<string, number> = {}
        for (const t of await profileSteps(device, r.ledger, bound.steps)) { const k = t.name.replace(/\d+/, 'N'); by[k] = (by[k] ?? 0) + (t.microseconds ?? 0) }
        console.log(by)
      }
    }
    console.log(description.slice(0, 20), JSON.stringify(line, (_, v) => typeof v === 'number' ? Math.round(v * 100) / 100 : v), JSON.stringify(stages), (await model.counters()).pipelinesCompiled)
    await model.dispose()
  }
})
