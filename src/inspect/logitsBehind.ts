import { invariant } from '../errors.ts'
import type { ForwardInput } from './forward.ts'
import { lastLogits } from './trace.ts'

/**
 * Logits [vocab] behind the last of the ids. One row computes them over the keys and values that live runs left in the cache; where
 * those are gone, the whole text runs again. No live sequence is written to.
 */
export function logitsBehind(input: ForwardInput): Promise<Float32Array> {
  const { runner, ids, conditions } = input
  return runner.exclusive(async () => {
    const { runSuffix } = await import('./suffix.ts')
    const suffix = await runSuffix(input, new Set(['logits']), ids.length - 1)
    if (!suffix) return lastLogits(runner, ids, conditions)
    const logits = suffix.tensors.get('logits')
    invariant(logits, 'logits were kept')
    try {
      return await runner.executor.readElements(logits.gpu, [[0, runner.model.vocab]])
    } finally {
      runner.ledger.destroy(logits)
    }
  })
}
