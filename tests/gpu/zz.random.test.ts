import { readFileSync, readdirSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { exportFiles } from './adapterFiles.ts'
import { TINY, withPlainModel } from './modelFixtures.ts'
const C = '/tmp/t15/cases'
const rel = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b)
const only = process.env['ONLY'] ?? ''
for (const name of readdirSync(C).filter((n) => n.includes(only)))
  test(name, async () => {
    const e = JSON.parse(readFileSync(join(C, name, 'case.json'), 'utf8'))
    const bin = new Float32Array(new Uint8Array(readFileSync(join(C, name, 'final.bin'))).buffer)
    await withPlainModel(e.model.startsWith('/') ? e.model : join(TINY, e.model), { weights: e.weights }, async (model) => {
      const files = new Map(readdirSync(join(C, name, 'adapter')).filter((n) => /json|safet/.test(n)).map((n) => [n, new Uint8Array(readFileSync(join(C, name, 'adapter', n)))]))
      const { id } = await model.addAdapter(files)
      let [l, g, r] = [0, 0, 0]
      let i = 0
      for await (const s of model.train(id, e.examples, e.settings)) {
        const w = e.steps[i++]
        l = Math.max(l, Math.abs(s.loss - w.loss)); g = Math.max(g, Math.abs(s.gradNorm / w.gradNorm - 1))
        for (const k of ['chosen', 'rejected', 'accuracy']) if (w[k] !== undefined) r = Math.max(r, Math.abs((s.rewards as any)[k] - w[k]))
      }
      const { tensors } = await exportFiles(model, id)
      let at = 0, f = 0
      for (const { name: n, shape } of e.factors) {
        const size = shape[0] * shape[1]
        f = Math.max(f, rel(tensors.get(n)!.values, bin.subarray(at, at + size))); at += size
      }
      const out = join('/tmp/t15/out', name); mkdirSync(out, { recursive: true })
      for (const [n, b] of await model.exportAdapter([{ id, scale: 1 }])) writeFileSync(join(out, n), b)
      const ids = e.examples[0].ids ?? [...e.examples[0].prompt, ...e.examples[0].chosen]
      const { data } = await model.logits(ids)
      writeFileSync(join(out, 'logits.json'), JSON.stringify({ base: e.model, ids, weights: e.weights, logits: [...data.slice(-model.info.vocab)] }))
      console.log(`RESULT ${name} loss ${l.toExponential(1)} norm ${g.toExponential(1)} rewards ${r.toExponential(1)} factors ${f.toExponential(1)} ${l < 1e-3 && f < 1e-3 ? 'ok' : 'FAIL'}`)
    })
  }, 120000)
