import { TokenscopeError, throwIfAborted } from './errors.ts'
import { openCheckpoint } from './formats/checkpoint.ts'
import { openSource } from './formats/sources.ts'
import { parseStrictJson } from './formats/strictJson.ts'
import type { FileSource } from './formats/tensors.ts'
import { describeDevice, openDevice, type OpenedDevice } from './gpu/device.ts'
import { BufferLedger } from './gpu/ledger.ts'
import { findDisagreement } from './gpu/selfTest.ts'
import { baselineVariant, chooseVariant } from './gpu/variants.ts'
import { parseSpec } from './model/arch/index.ts'
import { Engine } from './model/engine.ts'
import { loadWeights } from './model/load.ts'
import { Runner, type RunnerOptions } from './model/runner.ts'
import type { DecoderSpec } from './model/spec.ts'
import { checkWidths, WeightStore } from './model/weights.ts'
import { nodeGpu } from './gpu/node.ts'
import type * as Remote from './remote/connect.ts'
import { loadTokenizer, type TextTokenizer } from './text/tokenizer.ts'
import type {
  LoadOptions,
  LoadProgress,
  Model,
  ModelInfo,
  ModelSource,
  Variant,
  WeightFormat,
} from './types.ts'

export * from './types.ts'
export type * from './remote/types.ts'
export type { ChatMessage } from './text/types.ts'
export { TokenscopeError, type ErrorCode } from './errors.ts'
export { openTrace } from './trace/open.ts'
export type * from './trace/types.ts'

const SMALL_FILE = 32 * 1024 * 1024
const TOKENIZER_FILE = 100 * 1024 * 1024

/** The list of bundled models, resolved beside the page or beside `dist`. */
function modelsUrl(): URL {
  // Built, this module lies one folder below dist; the development server maps public/ to the root the same way.
  const base = import.meta.env?.MODE === 'test' ? '../public/models.json' : '../models.json'
  return new URL(base, import.meta.url)
}

async function optionalFile(
  source: FileSource,
  name: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  return (await source.has(name)) ? source.read(name, { maxBytes, signal }) : undefined
}

const TOKENIZER_FILES = [
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
] as const

/** What stands beside the weights of a checkpoint: its configuration and its tokenizer, as they are. */
async function readCompanions(source: FileSource): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of ['config.json', 'tokenizer.json', ...TOKENIZER_FILES]) {
    const content = await optionalFile(source, name, TOKENIZER_FILE)
    if (content) files.set(name, content)
  }
  return files
}

async function readTokenizer(
  source: FileSource,
  vocabRows: number,
  signal?: AbortSignal,
): Promise<TextTokenizer | null> {
  const tokenizerJson = await optionalFile(source, 'tokenizer.json', TOKENIZER_FILE, signal)
  if (!tokenizerJson) return null
  const [tokenizerConfig, generationConfig, specialTokensMap, chatTemplate] = await Promise.all(
    TOKENIZER_FILES.map((name) => optionalFile(source, name, SMALL_FILE, signal)),
  )
  return loadTokenizer(
    { tokenizerJson, tokenizerConfig, generationConfig, specialTokensMap, chatTemplate },
    { vocabRows },
  )
}

/** The GPU format for `auto`: that of the file, where the kernels read it. */
function chooseFormat(asked: WeightFormat | 'auto', spec: DecoderSpec): WeightFormat {
  if (asked !== 'auto') return asked
  return spec.storedAs === 'F16' ? 'f16' : 'f32'
}

function checkContext(asked: number | undefined, spec: DecoderSpec): number {
  if (asked === undefined) return Math.min(spec.maxPositions, 4096)
  if (Number.isInteger(asked) && asked >= 2 && asked <= spec.maxPositions) return asked
  const allowed = `a whole number from 2 to ${spec.maxPositions}`
  throw new TokenscopeError('bad-argument', `contextLength is ${asked}; this model allows ${allowed}.`, {
    hint: `Set contextLength to ${allowed}.`,
    details: { field: 'contextLength', got: asked, expected: allowed },
  })
}

async function openGivenDevice(device: GPUDevice | undefined): Promise<OpenedDevice> {
  if (device) return describeDevice(device)
  return openDevice(typeof navigator !== 'undefined' && 'gpu' in navigator ? navigator.gpu : await nodeGpu())
}

/** Runs work that allocates. Throws `out-of-memory` when the GPU had too little for it, whatever else went wrong then. */
async function withinMemory<T>(device: GPUDevice, ledger: BufferLedger, work: () => Promise<T>): Promise<T> {
  device.pushErrorScope('out-of-memory')
  const [result] = await Promise.allSettled([work()])
  const { gpuBytes } = ledger.report()
  const shortage = await device.popErrorScope()
  if (shortage) {
    throw new TokenscopeError('out-of-memory', 'The GPU has not enough memory for this model.', {
      hint: 'Choose a smaller model, a shorter context, or a quantised weight format.',
      details: { message: shortage.message, bytes: gpuBytes },
    })
  }
  if (result.status === 'rejected') throw result.reason
  return result.value
}

/** A runner whose kernels agree with the host: the chosen variant's, or the plain one's with a warning. */
async function makeRunner(
  parts: Omit<RunnerOptions, 'variant'>,
  chosen: Variant,
  { forced, signal, onStage }: { forced: boolean; signal: AbortSignal | undefined; onStage: StageListener },
): Promise<{ runner: Runner; warnings: string[] }> {
  const tryVariant = async (variant: Variant): Promise<{ runner: Runner; complaint: string | null }> => {
    throwIfAborted(signal)
    onStage('compile')
    const runner = new Runner({ ...parts, variant })
    await Promise.all([runner.prepareSelect(), runner.live(1, 1), runner.live(8, 1)])
    throwIfAborted(signal)
    onStage('self-test')
    const complaint = await findDisagreement(runner)
    throwIfAborted(signal)
    return { runner, complaint }
  }
  const first = await tryVariant(chosen)
  if (first.complaint === null) return { runner: first.runner, warnings: [] }
  const wrong = `The kernel variant ${chosen.name} computes wrong results on this device (${first.complaint})`
  const baseline = baselineVariant(parts.opened.kind)
  if (forced || chosen.name === baseline.name) {
    return { runner: first.runner, warnings: [`${wrong}: do not trust what this model shows here.`] }
  }
  await first.runner.dispose()
  const second = await tryVariant(baseline)
  const instead = `${baseline.name} is used instead`
  const doubt = second.complaint === null ? '' : `, and is wrong too (${second.complaint})`
  return { runner: second.runner, warnings: [`${wrong}; ${instead}${doubt}.`] }
}

type StageListener = (stage: LoadProgress['stage']) => void

/**
 * Loads a model and readies it for answering.
 *
 * @throws TokenscopeError: `no-webgpu`, `limit`, `out-of-memory`, `bad-file`, `unsupported`, `bad-argument`, `network`, `aborted`.
 * Nothing stays allocated when it throws.
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  // Opening a device takes about as long as reading the small files: both happen at once.
  const opening = openGivenDevice(options.device)
  const forget = (): undefined => undefined
  opening.catch(forget) // said where the device is needed; what is wrong with the files comes first
  try {
    return await loadOnto(opening, source, options)
  } catch (error) {
    if (options.device === undefined) void opening.then(({ device }) => device.destroy(), forget)
    throw error
  }
}

async function loadOnto(
  opening: Promise<OpenedDevice>,
  source: ModelSource,
  options: LoadOptions,
): Promise<Model> {
  const { signal, onProgress } = options
  const report = (progress: LoadProgress): void => onProgress?.(progress)
  report({ stage: 'config', bytesDone: 0, bytesTotal: 0 })
  const files = await openSource(source, { modelsUrl: modelsUrl() })
  const configBytes = await files.read('config.json', { maxBytes: SMALL_FILE, signal })
  const checkpoint = await openCheckpoint(files, signal)
  const spec = parseSpec(parseStrictJson(configBytes, 'config.json'), checkpoint.tensors)
  checkWidths(spec)
  const context = checkContext(options.contextLength, spec)
  const format = chooseFormat(options.weights ?? 'auto', spec)
  throwIfAborted(signal)
  report({ stage: 'tokenizer', bytesDone: 0, bytesTotal: checkpoint.totalBytes })
  const tokenizer = await readTokenizer(files, spec.vocab, signal)
  const ownsDevice = options.device === undefined
  try {
    const opened = await opening
    const ledger = new BufferLedger(opened.device)
    try {
      return await fillDevice({ spec, context, format, opened, ledger, tokenizer, ownsDevice })
    } catch (error) {
      ledger.destroyAll()
      throw error
    }
  } catch (error) {
    tokenizer?.dispose()
    throw error
  }

  async function fillDevice(parts: {
    spec: DecoderSpec
    context: number
    format: WeightFormat
    opened: OpenedDevice
    ledger: BufferLedger
    tokenizer: TextTokenizer | null
    ownsDevice: boolean
  }): Promise<Model> {
    const { device } = parts.opened
    const variant = chooseVariant(parts.opened.kind, parts.opened.features, options.variant)
    const weights = new WeightStore(device, parts.ledger)
    const done = { bytesDone: checkpoint.totalBytes, bytesTotal: checkpoint.totalBytes }
    const onStage: StageListener = (stage) => report({ stage, ...done })
    const { loaded, made } = await withinMemory(device, parts.ledger, async () => {
      const loaded = await loadWeights(checkpoint, spec, weights, {
        format,
        signal,
        onBytes: (bytesDone, bytesTotal) => report({ stage: 'weights', bytesDone, bytesTotal }),
      })
      const { opened, ledger } = parts
      const forced = options.variant !== undefined
      const made = await makeRunner({ opened, spec, context, ledger, weights }, variant, {
        forced,
        signal,
        onStage,
      })
      return { loaded, made }
    })
    const { runner } = made
    onStage('ready')
    const info: ModelInfo = {
      id: files.label,
      architecture: spec.architecture,
      layers: spec.layers,
      heads: spec.heads,
      kvHeads: spec.kvHeads,
      headDim: spec.headDim,
      hidden: spec.hidden,
      vocab: spec.vocab,
      context,
      parameters: spec.parameters,
      gpuBytes: parts.ledger.report().gpuBytes,
      weights: format,
      exceptions: loaded.exceptions,
      backend: parts.opened.backend,
      variant: runner.pipelines.variant,
      hasTokenizer: parts.tokenizer !== null,
      hasChatTemplate: parts.tokenizer?.hasChatTemplate ?? false,
      bosId: parts.tokenizer?.bosId ?? spec.bosId,
      eosIds: [...new Set([...spec.eosIds, ...(parts.tokenizer?.eosIds ?? [])])],
      warnings: [
        ...spec.warnings,
        ...loaded.warnings,
        ...made.warnings,
        ...(parts.tokenizer ? [] : ['No tokenizer.json: this model takes token ids only.']),
      ],
    }
    return new Engine({
      info,
      runner,
      tokenizer: parts.tokenizer,
      ownsDevice,
      modelsUrl: modelsUrl(),
      readCompanions: () => readCompanions(files),
    })
  }
}

/** Loaded on first use: see `src/remote/connect.ts`. */
export const connectModel: typeof Remote.connectModel = async (...args) =>
  (await import('./remote/connect.ts')).connectModel(...args)
