import { join } from 'node:path'
import { expect, test } from 'vitest'
import { plainLogits } from '../../src/run/batch.ts'
import { submitRows } from '../../src/run/feed.ts'
import { TINY, withRunner } from './modelFixtures.ts'

/** Longer than the way from a program that is found to its submit. */
const MOST_TURNS = 24

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

test('a swap of adapters in any turn of a forward frees nothing that is about to be submitted', async () => {
  await withRunner(join(TINY, 'llama'), {}, async (runner) => {
    const sequence = runner.sequences.fork(null, 0, '')
    runner.sequences.reserve(sequence, 1)
    const { pages, slot } = sequence
    const row = { token: 1, position: 0, pages, slot, logits: plainLogits(0) }
    await runner.live(1, 1)
    for (let late = 0; late <= MOST_TURNS; late++) {
      runner.device.pushErrorScope('validation')
      const swap = runner.setAdapters(() => Promise.resolve(null))
      await turns(late)
      await Promise.all([swap, submitRows(runner, [row], { edits: null }, { program: [1, 1] })])
      const error = await runner.device.popErrorScope()
      expect(error?.message, `submitted ${late} turns after the swap began`).toBeUndefined()
    }
  })
})
