import type { LogitsAt, MaskedOptions, Model } from '../api/model.ts'
import { invariant, TokenscopeError } from '../errors.ts'
import type { EngineContext } from './context.ts'
import type { OpenInspections } from './inspections.ts'

type ForwardMethod =
  | 'logits'
  | 'fillMask'
  | 'logitsAt'
  | 'tokenLogits'
  | 'steps'
  | 'trace'
  | 'traceRows'
  | 'inspect'
  | 'lens'
  | 'attribution'
  | 'editEffects'

/** Forwards over given ids that look and leave no trace in a live sequence. */
export function forwardMethods(
  context: EngineContext,
  inspections: OpenInspections,
): Pick<Model, ForwardMethod> {
  const { runner } = context
  const trace: Model['trace'] = async (ids, { probes, ...options }) => {
    const { traceSteps } = await import('../inspect/trace.ts')
    const { conditions } = await context.forwardInput(ids, options)
    return context.read(() => traceSteps(runner, ids, probes, conditions))
  }
  const turn = <T>(work: () => Promise<T>): Promise<T> => context.read(() => runner.exclusive(work))
  return {
    trace,
    async *traceRows(ids, { probes, signal, ...options }) {
      const { conditions } = await context.forwardInput(ids, options)
      const { traceRows } = await import('../inspect/trace.ts')
      yield* traceRows(runner, ids, { probes, signal }, conditions, turn)
    },
    async logits(ids, options) {
      const logits = (await trace(ids, { ...options, probes: ['logits'] })).get('logits')
      invariant(logits, 'logits were probed')
      return logits
    },
    async fillMask(text, options = {}) {
      const { fillMasks } = await import('./fillMask.ts')
      return fillMasks(context, text, options)
    },
    logitsAt: (ids, options = {}) => logitsAt(context, ids, options),
    async tokenLogits(index) {
      context.checkHealth()
      const { ids, options, key } = context.lastRun.inputBefore(index)
      if (context.conditionsOf(options).key === key) return logitsAt(context, ids, options)
      throw new TokenscopeError('unsupported', 'Adapters were merged or unmerged since the last run.', {
        hint: 'Run it again, or ask logitsAt for its ids.',
      })
    },
    async steps({ rows, backward, ...training }) {
      if (backward) return (await import('./training.ts')).trainingSteps(context, rows, training)
      const { describeSteps } = await import('../run/describe.ts')
      return describeSteps(runner, rows)
    },
    async inspect(ids, options = {}) {
      // An inspection outlives the edits of recent runs, so it holds its own.
      const input = await context.forwardInput(ids, { adapters: options.adapters, mask: options.mask })
      return context.read(() => inspections.open(input, options))
    },
    async lens(ids, options = {}) {
      const input = await context.forwardInput(ids, options)
      const { readLens } = await import('../inspect/lens.ts')
      return context.read(() => readLens(input, options))
    },
    async attribution(ids, options) {
      const input = await context.forwardInput(ids, { adapters: options.adapters })
      const { attributeLogit } = await import('../inspect/attribution.ts')
      return context.read(() => attributeLogit(input, options))
    },
    async *editEffects(ids, sets, { adapters, mask, signal } = {}) {
      const input = await context.forwardInput(ids, { adapters, mask })
      const { measureEdits } = await import('../inspect/editEffects.ts')
      yield* measureEdits(input, sets, { turn, signal })
    },
  }
}

async function logitsAt(
  context: EngineContext,
  ids: readonly number[],
  options: MaskedOptions,
): Promise<LogitsAt> {
  const input = await context.forwardInput(ids, options)
  const { runner, info, lastRun } = context
  const row = lastRun.ringRow(ids, input.conditions.key)
  if (row === null) {
    const { logitsBehind } = await import('../inspect/logitsBehind.ts')
    return { data: await context.read(() => logitsBehind(input)), recomputed: true }
  }
  const bytes = info.vocab * 4
  const data = await context.read(() => runner.read(runner.logits.gpu, row * bytes, bytes))
  return { data: new Float32Array(data), recomputed: false }
}
