import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ALL } from '../all.ts'
import { SHARED, withModel } from './modelFixtures.ts'

const FILE = join(SHARED, 'models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf')
const TOKENS = 512
const LIMIT = 200e6

const why = ALL
  ? existsSync(FILE)
    ? ''
    : ' (skipped: needs shared data)'
  : ' (skipped: npm run test:all runs it)'

test.skipIf(why !== '')(
  `512 tokens of SmolLM2-135M, rank 8 everywhere: at most 200 MB beside the weights, none of it after the first step${why}`,
  { timeout: 600_000 },
  async () => {
    await withModel(FILE, { contextLength: TOKENS }, async (model) => {
      const ids = Array.from({ length: TOKENS + 1 }, (_, i) => (i * 37) % 40_000)
      const example = { ids, mask: ids.map(() => 1 as const) }
      const before = (await model.memory()).gpuBytes
      const { id } = await model.newAdapter({ name: 'x', rank: 8 })
      const seen: { gpuBytes: number; pipelinesCompiled: number; loss: number }[] = []
      for await (const { loss } of model.train(id, [example], { steps: 2 })) {
        const { gpuBytes } = await model.memory()
        const { pipelinesCompiled } = await model.counters()
        seen.push({ gpuBytes, pipelinesCompiled, loss })
      }
      const [first, second] = seen
      expect(first!.gpuBytes - before).toBeLessThan(LIMIT)
      expect(second).toMatchObject({
        gpuBytes: first!.gpuBytes,
        pipelinesCompiled: first!.pipelinesCompiled,
      })
      expect(second!.loss).toBeLessThan(first!.loss)
    })
  },
)
