import type { Model } from '../api/model.ts'
import type { TokenscopeError } from '../errors.ts'
import { checkKernels } from '../inspect/selfTest.ts'
import type { Runner } from '../run/runner.ts'
import { adapterMethods } from './adapterMethods.ts'
import { EngineContext, type EngineParts } from './context.ts'
import { decodeMethods, type DecodeMethods } from './decodeMethods.ts'
import { forwardMethods } from './forwardMethods.ts'
import { OpenInspections } from './inspections.ts'
import { textMethods } from './textMethods.ts'
import type { ValueWatch } from '../run/valueWatch.ts'
import { trainMethods } from './trainMethods.ts'

/** A loaded model on one device: the {@link Model} of the library and of the worker. */
export interface Engine extends Omit<Model, keyof DecodeMethods>, DecodeMethods {
  readonly runner: Runner
  /** Resolves when the device fails outside a call; never for a model that is disposed of in good health. */
  readonly faulted: Promise<TokenscopeError>
}

/** Puts a model together from its parts; the methods of one subject stand in one file. */
export function createEngine(parts: EngineParts): Engine {
  const context = new EngineContext(parts)
  const inspections = new OpenInspections()
  const { info, runner } = context
  let watch: ValueWatch | null = null
  const engine: Engine = {
    info,
    runner,
    faulted: context.health.faulted,
    ...textMethods(context),
    ...forwardMethods(context, inspections),
    ...decodeMethods(context),
    ...adapterMethods(context),
    ...trainMethods(context),
    async cache() {
      context.checkHealth()
      const { reportCache } = await import('../decode/cacheReport.ts')
      return reportCache(runner)
    },
    async *precision(...args) {
      context.checkHealth()
      const { comparePrecision } = await import('./precision.ts')
      yield* comparePrecision(context, parts, ...args)
    },
    async saveTrace(...args) {
      context.checkHealth()
      const { readLimits, saveTrace } = await import('../trace/save.ts')
      return saveTrace(engine, readLimits(runner.device), ...args)
    },
    async selfTest() {
      context.checkHealth()
      // It writes into the ring of logits, as a run does.
      return context.inTurn(() => checkKernels(runner))
    },
    async watchValues(on) {
      const { ValueWatch } = await import('../run/valueWatch.ts')
      context.checkHealth()
      const previous = watch
      watch = on ? new ValueWatch(runner) : null
      await runner.dispatchBy(watch?.dispatches ?? null)
      previous?.dispose()
    },
    async watchedValues() {
      context.checkHealth()
      return (await watch?.read()) ?? []
    },
    memory: async () => runner.ledger.report(),
    counters: async () => runner.counters(),
    dispose: () => context.dispose(() => inspections.close()),
  }
  return engine
}
