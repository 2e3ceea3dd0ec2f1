import type { LoadFormat, LoadOptions, ModelInfo, ModelSource, WeightFormat } from '../api/model.ts'
import { describeModel } from '../arch/index.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { throwIfAborted } from '../errors.ts'
import { describeDevice, openDevice, type OpenedDevice } from '../gpu/device.ts'
import { BufferLedger } from '../gpu/ledger.ts'
import { nodeGpu } from '../gpu/node.ts'
import { PipelineCache } from '../gpu/pipelines.ts'
import { chooseVariant } from '../gpu/variants.ts'
import { kvFormat } from '../ops/kvFormats.ts'
import { elements } from '../program/step.ts'
import { checkLimits } from '../run/limits.ts'
import type { Runner } from '../run/runner.ts'
import { openSource } from '../sources/open.ts'
import { loadTokenizer, type TextTokenizer } from '../text/tokenizer.ts'
import { loadWeights } from '../weights/load.ts'
import { WeightStore } from '../weights/store.ts'
import { openModelFiles } from './companions.ts'
import { bindableContext, checkContext } from './contextLength.ts'
import { createEngine, type Engine } from './engine.ts'
import { makeRunner, withinMemory, type StageListener } from './makeRunner.ts'
import type { ModelFiles } from './modelFiles.ts'

/** The format that most weights are kept in. */
function mostCommonFormat({ params }: ModelDescription, weights: WeightStore): WeightFormat {
  const counts = new Map<WeightFormat, number>()
  for (const { name, role, shape } of params) {
    if (role !== 'matrix') continue
    const { format } = weights.view(name).matrix
    counts.set(format.name, (counts.get(format.name) ?? 0) + elements(shape))
  }
  const [[most] = ['f32' as const]] = [...counts].sort(([, a], [, b]) => b - a)
  return most
}

async function openGivenDevice(device: GPUDevice | undefined): Promise<OpenedDevice> {
  if (device) return describeDevice(device)
  return openDevice(typeof navigator !== 'undefined' && 'gpu' in navigator ? navigator.gpu : await nodeGpu())
}

/** A model whose files are understood and whose weights are not read yet. */
interface OpenedModel {
  readonly files: ModelFiles
  readonly model: ModelDescription
  readonly context: number
  readonly format: LoadFormat | 'auto'
  readonly tokenizer: TextTokenizer | null
}

/** {@link loadModel} with the list of bundled models, which ids and relative addresses are resolved beside. */
export async function loadModelFrom(
  source: ModelSource,
  options: LoadOptions,
  modelsUrl: URL,
): Promise<Engine> {
  // Opening a device takes about as long as reading the small files: both happen at once.
  const opening = openGivenDevice(options.device)
  const ignore = (): undefined => undefined
  // A refusal is reported where the device is needed; faults of the files are reported before it.
  opening.catch(ignore)
  try {
    const opened = await openModel(source, options, modelsUrl)
    try {
      return await fillDevice(opened, await opening, options, modelsUrl)
    } catch (error) {
      opened.tokenizer?.dispose()
      throw error
    }
  } catch (error) {
    if (options.device === undefined) void opening.then(({ device }) => device.destroy(), ignore)
    throw error
  }
}

async function openModel(
  source: ModelSource,
  { signal, onProgress, contextLength, weights = 'auto', hub }: LoadOptions,
  modelsUrl: URL,
): Promise<OpenedModel> {
  onProgress?.({ stage: 'config', bytesDone: 0, bytesTotal: 0 })
  const opened = await openSource(source, { modelsUrl, hub })
  const kept = opened.keeps ? (await import('./keep.ts')).keepSource(opened, { signal, onProgress }) : opened
  const files = await openModelFiles(await kept, signal)
  const { config, checkpoint } = files
  const model = await describeModel(config, checkpoint.tensors)
  checkLimits(model)
  const context = checkContext(contextLength, model)
  throwIfAborted(signal)
  onProgress?.({ stage: 'tokenizer', bytesDone: 0, bytesTotal: checkpoint.totalBytes })
  const written = await files.tokenizer(model.vocab, signal)
  const tokenizer = written && (await loadTokenizer(written, { vocabRows: model.vocab }))
  return { files, model, context, format: weights, tokenizer }
}

/** Both values once neither is under way any more. Throws what the first was rejected with, else the second. */
async function bothSettled<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return [await first, await second]
}

/** The listener, and when it is first called. */
function firstCall<A extends unknown[]>(
  listener: (...args: A) => void,
): { listener: (...args: A) => void; called: Promise<void> } {
  let resolve: (() => void) | undefined
  const called = new Promise<void>((done) => (resolve = done))
  return {
    called,
    listener(...args) {
      resolve?.()
      listener(...args)
    },
  }
}

/** Reads the weights, compiles, tests, and hands over the engine; nothing stays allocated when it throws. */
async function fillDevice(
  opened: OpenedModel,
  device: OpenedDevice,
  options: LoadOptions,
  modelsUrl: URL,
): Promise<Engine> {
  const { model, format, files, tokenizer } = opened
  const { checkpoint } = files
  const { signal, onProgress } = options
  const ledger = new BufferLedger(device.device)
  const done = { bytesDone: checkpoint.totalBytes, bytesTotal: checkpoint.totalBytes }
  const onStage: StageListener = (stage) => onProgress?.({ stage, ...done })
  const onBytes = (bytesDone: number, bytesTotal: number): void =>
    onProgress?.({ stage: 'weights', bytesDone, bytesTotal })
  try {
    const kv = await kvFormat(options.kvCache)
    const variant = chooseVariant(device.kind, device.features, options.variant)
    const asked = options.contextLength
    const fitting = bindableContext(model, opened.context, { asked, variant, kv, ledger })
    const weights = new WeightStore(device.device, ledger)
    const { runner, warnings, exceptions } = await withinMemory(device.device, ledger, async () => {
      const pipelines = new PipelineCache(device.device, variant)
      const first = firstCall(onBytes)
      const loading = { format, pipelines, ledger, signal, onBytes: first.listener }
      const filled = loadWeights(checkpoint, model, weights, loading)
      const parts = { opened: device, model, context: fitting.context, ledger, weights, kv }
      const making = { forced: options.variant !== undefined, filled, signal, onStage }
      // Programs are made while the GPU takes weights in and looks at them; what is refused meanwhile is freed behind that.
      const [created, remarks] = await bothSettled(
        Promise.race([first.called, filled]).then(() => makeRunner(parts, variant, making)),
        filled.then((loaded) => loaded.warnings),
      )
      const { exceptions } = await filled
      return {
        runner: created.runner,
        warnings: [...fitting.warnings, ...remarks, ...created.warnings],
        exceptions,
      }
    })
    onStage('ready')
    return createEngine({
      info: describe(opened, runner, { backend: device.backend, warnings, exceptions }),
      runner,
      tokenizer,
      ownsDevice: options.device === undefined,
      modelsUrl,
      files,
      hub: options.hub,
    })
  } catch (error) {
    ledger.destroyAll()
    throw error
  }
}

function describe(
  { files, model, tokenizer }: OpenedModel,
  runner: Runner,
  loaded: { backend: string; warnings: readonly string[]; exceptions: readonly string[] },
): ModelInfo {
  const { architecture, modelType, layers, heads, kvHeads, headDim, hidden, vocab, parameters } = model
  return {
    id: files.label,
    architecture,
    modelType,
    tasks: [model.mask === 'causal' ? 'generate' : 'fill-mask'],
    layers,
    heads,
    kvHeads,
    headDim,
    hidden,
    vocab,
    context: runner.context,
    maxContext: model.maxPositions,
    parameters,
    gpuBytes: runner.ledger.report().gpuBytes,
    weights: mostCommonFormat(model, runner.weights),
    exceptions: loaded.exceptions,
    kvCache: runner.pool.format.name,
    backend: loaded.backend,
    variant: runner.pipelines.variant,
    hasTokenizer: tokenizer !== null,
    hasChatTemplate: tokenizer?.hasChatTemplate ?? false,
    maskToken: tokenizer?.mask?.text ?? null,
    sampling: tokenizer?.sampling ?? null,
    bosId: tokenizer?.bosId ?? model.bosId,
    eosIds: [...new Set([...(tokenizer?.saysEnds ? [] : model.eosIds), ...(tokenizer?.eosIds ?? [])])],
    warnings: [
      ...files.remarks,
      ...model.warnings,
      ...loaded.warnings,
      ...(tokenizer ? [] : ['No tokenizer.json: this model takes token ids only.']),
    ],
  }
}
