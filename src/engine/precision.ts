import type { Model, PrecisionOptions } from '../api/model.ts'
import { describeModel } from '../arch/index.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { isBlockType, isGroupedType } from '../formats/tensors.ts'
import { describeDevice } from '../gpu/device.ts'
import { PartLedger } from '../gpu/partLedger.ts'
import { lockStep } from '../inspect/precision.ts'
import { kvFormat } from '../ops/kvFormats.ts'
import { shapeOf } from '../program/step.ts'
import { Runner } from '../run/runner.ts'
import { openSource } from '../sources/open.ts'
import { loadWeights } from '../weights/load.ts'
import { WeightStore } from '../weights/store.ts'
import { openModelFiles } from './companions.ts'
import type { EngineContext, EngineParts } from './context.ts'
import { withinMemory } from './makeRunner.ts'

/** A second set of weights beside the model's own. */
interface Other {
  readonly runner: Runner
  readonly ledger: PartLedger
}

/** Throws `bad-argument`, naming the first step that the two do not share. */
function checkSame(model: ModelDescription, other: ModelDescription): void {
  const size = { rows: 1, logitRows: 1, positions: 1 }
  const describe = (description: ModelDescription): string[] =>
    description.record(size).steps.map((step) => `${step.name} [${shapeOf(step).join(', ')}]`)
  const [ours, theirs] = [describe(model), describe(other)]
  const at = ours.findIndex((step, i) => step !== theirs[i])
  if (at < 0 && ours.length === theirs.length) return
  const [expected = 'nothing', got = 'nothing'] = [ours[at], theirs[at < 0 ? ours.length : at]]
  throw new TokenscopeError(
    'bad-argument',
    `The other model is not of this shape: ${got} instead of ${expected}.`,
    {
      hint: 'Compare a model with the same one in another weight format.',
      details: { field: 'source', expected, got },
    },
  )
}

/** The files that the other weights are in, and the forward they are for. */
async function openOtherFiles(
  { runner }: EngineContext,
  { files, modelsUrl }: EngineParts,
  { source, hub, signal }: PrecisionOptions,
): Promise<Pick<EngineParts, 'files'> & { model: ModelDescription }> {
  if (source !== undefined) {
    const opened = await openModelFiles(await openSource(source, { modelsUrl, hub }), signal)
    const model = await describeModel(opened.config, opened.checkpoint.tensors)
    checkSame(runner.model, model)
    return { files: opened, model }
  }
  const { storedAs } = runner.model
  if (!isBlockType(storedAs) && !isGroupedType(storedAs)) return { files, model: runner.model }
  throw new TokenscopeError(
    'bad-argument',
    'This model was loaded from blocks: its files hold no finer weights.',
    {
      hint: 'Give the source of the same model in a finer format.',
      details: { field: 'source', storedAs },
    },
  )
}

/** The other's forward and weights, which are the model's own where only the cache is another. */
async function openOtherWeights(
  context: EngineContext,
  parts: EngineParts,
  options: PrecisionOptions,
): Promise<{ model: ModelDescription; load: (ledger: PartLedger) => Promise<WeightStore> }> {
  const { model, weights, pipelines } = context.runner
  const { source, weights: asked, kvCache, signal, onProgress } = options
  if (kvCache !== undefined && source === undefined && asked === undefined)
    return { model, load: () => Promise.resolve(weights) }
  const format = asked ?? 'auto'
  const other = await openOtherFiles(context, parts, options)
  const onBytes = (bytesDone: number, bytesTotal: number): void =>
    onProgress?.({ stage: 'weights', bytesDone, bytesTotal })
  return {
    model: other.model,
    async load(ledger) {
      const store = new WeightStore(pipelines.device, ledger)
      const { checkpoint } = other.files
      const { warnings } = await loadWeights(checkpoint, other.model, store, {
        format,
        pipelines,
        ledger,
        signal,
        onBytes,
      })
      await warnings
      return store
    },
  }
}

async function openOther(
  context: EngineContext,
  parts: EngineParts,
  options: PrecisionOptions,
): Promise<Other> {
  const { runner: modelRunner } = context
  const kv = options.kvCache === undefined ? modelRunner.pool.format : await kvFormat(options.kvCache)
  const { model, load } = await openOtherWeights(context, parts, options)
  const { device, pipelines } = modelRunner
  const ledger = new PartLedger(device, modelRunner.ledger, 'other')
  try {
    const runner = await withinMemory(device, ledger, async () => {
      const weights = await load(ledger)
      const { variant } = pipelines
      const shared = { opened: describeDevice(device), variant, pipelines, kv }
      const room = { cacheBytes: 0, positions: 1 }
      return new Runner({
        ...shared,
        model,
        context: modelRunner.context,
        ledger,
        weights,
        draft: true,
        room,
      })
    })
    return { runner, ledger }
  } catch (error) {
    ledger.destroyAll()
    throw error
  }
}

/** See {@link Model.precision}. */
export async function* comparePrecision(
  context: EngineContext,
  parts: EngineParts,
  ...[ids, options = {}]: Parameters<Model['precision']>
): ReturnType<typeof lockStep> {
  context.adapters.refuseMerged('Comparing precision')
  const { ids: checked } = await context.forwardInput(ids, { adapters: [] })
  const { ledger, runner } = await context.read(() => openOther(context, parts, options))
  try {
    yield* lockStep(context, { runner, gpuBytes: ledger.ownBytes }, checked, options)
  } finally {
    ledger.destroyAll()
  }
}
