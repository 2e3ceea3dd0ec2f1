import type { WeightFormat } from '../api/load.ts'
import type { Fit, InspectSourceOptions, MachineLimits } from '../api/source.ts'
import { describeModel } from '../arch/index.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { openCheckpoint } from '../formats/checkpoint.ts'
import { GGUF_ARCHITECTURES, type GgufArchitecture, type HfConfig } from '../formats/gguf/architectures.ts'
import { ArchitectureFields } from '../formats/gguf/archFields.ts'
import { ggufCheckpoint } from '../formats/gguf/checkpoint.ts'
import type { GgufFields } from '../formats/gguf/fields.ts'
import { openGguf } from '../formats/gguf/model.ts'
import { readGgufStart, withStart } from '../formats/gguf/start.ts'
import { parseStrictJson, type JsonValue } from '../formats/strictJson.ts'
import {
  isBlockType,
  isGroupedType,
  type Checkpoint,
  type FileSource,
  type TensorType,
} from '../formats/tensors.ts'
import { kvFormat } from '../ops/kvFormats.ts'
import { checkLimits } from '../run/limits.ts'
import { ggufKind } from '../sources/ggufChoice.ts'
import { formatsOf } from '../weights/load.ts'
import { unpacked } from './companions.ts'
import { judgeFit, memoryLimit, unfit } from './fit.ts'
import { cacheBytes, footprint } from './footprint.ts'
import { ggufFiles, weightFiles } from './neededFiles.ts'

/** Length of the text that a model is judged with when none is asked for: its cache grows with what is written. */
const JUDGED_CONTEXT = 4096
const CONFIG_BYTES = 32 * 1024 * 1024
/** Room for activations and kept logits where the program is not recorded. */
const WORK_BYTES = 128 * 1024 * 1024

export interface JudgeRequest extends Omit<InspectSourceOptions, 'limits'> {
  readonly limits: MachineLimits | null
}

/** What headers say of a model, and the verdict. */
export interface Assessment {
  /** The GGUF file; null for other layouts. */
  readonly file: string | null
  readonly weightFiles: readonly string[]
  readonly modelType: string
  readonly architecture: string
  /** Null where they were not counted. */
  readonly parameters: number | null
  readonly license: string | null
  readonly baseModels: readonly string[]
  readonly weights: WeightFormat
  readonly context: number
  readonly fit: Fit
}

type Facts = Pick<Assessment, 'file' | 'license'>

function nameOfFormat(type: TensorType): WeightFormat {
  if (isBlockType(type) || isGroupedType(type)) return type.toLowerCase() as WeightFormat
  return type === 'F16' ? 'f16' : type === 'BF16' ? 'bf16' : 'f32'
}

/** The verdict on a model whose tensors are known. */
async function judgeDescribed(
  model: ModelDescription,
  checkpoint: Checkpoint,
  { weights = 'auto', kvCache = 'f32', contextLength, limits }: JudgeRequest,
  facts: Facts,
): Promise<Assessment> {
  checkLimits(model)
  const context = Math.min(contextLength ?? JUDGED_CONTEXT, model.maxPositions)
  const { tensors } = checkpoint
  const formatOf = await formatsOf(checkpoint)
  const kv = await kvFormat(kvCache)
  const fit = judgeFit({
    asked: { weights, context, kvCache },
    isFloat: !isBlockType(model.storedAs) && !isGroupedType(model.storedAs),
    limits,
    measure: (request) => footprint(model, { tensors, formatOf }, request, kv),
  })
  const { modelType, architecture, parameters, storedAs, maxPositions } = model
  return {
    ...facts,
    weightFiles: weightFiles(checkpoint),
    modelType,
    architecture,
    parameters,
    baseModels: [],
    weights: nameOfFormat(storedAs),
    context: maxPositions,
    fit,
  }
}

/** What can be said of a checkpoint that is sound and cannot be run. */
function judgeUnsupported(
  config: JsonValue,
  checkpoint: Checkpoint,
  { limits }: JudgeRequest,
  { facts, error }: { facts: Facts; error: TokenscopeError },
): Assessment {
  const fields = typeof config === 'object' && config !== null && !Array.isArray(config) ? config : {}
  const { model_type: modelType, architectures, max_position_embeddings: context } = fields
  const [architecture] = Array.isArray(architectures) ? architectures : []
  const tensors = [...checkpoint.tensors.values()]
  const sizes = tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1))
  const largest = sizes.indexOf(Math.max(...sizes))
  return {
    ...facts,
    weightFiles: weightFiles(checkpoint),
    modelType: typeof modelType === 'string' ? modelType : '',
    architecture: typeof architecture === 'string' ? architecture : '',
    parameters: sizes.reduce((sum, size) => sum + size, 0),
    baseModels: [],
    weights: nameOfFormat(tensors[largest]?.dtype ?? 'F32'),
    context: typeof context === 'number' ? context : 0,
    fit: unfit(error.message, limits?.memoryBytes ?? memoryLimit()),
  }
}

async function judgeCheckpoint(
  config: JsonValue,
  checkpoint: Checkpoint,
  request: JudgeRequest,
  facts: Facts,
): Promise<Assessment> {
  try {
    return await judgeDescribed(await describeModel(config, checkpoint.tensors), checkpoint, request, facts)
  } catch (error) {
    if (!(error instanceof TokenscopeError) || error.code !== 'unsupported') throw error
    return judgeUnsupported(config, checkpoint, request, { facts, error })
  }
}

/** A folder of Hugging Face's layout. */
export async function judgeFolder(source: FileSource, request: JudgeRequest): Promise<Assessment> {
  const { signal } = request
  const bytes = await source.read('config.json', { maxBytes: CONFIG_BYTES, signal })
  const config = parseStrictJson(bytes, 'config.json')
  const checkpoint = await openCheckpoint(source, signal)
  const facts = { file: null, license: null }
  try {
    const opened = await unpacked(config, checkpoint, source, signal)
    return await judgeCheckpoint(opened.config, opened.checkpoint, request, facts)
  } catch (error) {
    if (!(error instanceof TokenscopeError) || error.code !== 'unsupported') throw error
    return judgeUnsupported(config, checkpoint, request, { facts, error })
  }
}

/** A GGUF file. One whose vocabulary reaches far is judged by its sizes and its length. */
export async function judgeGguf(
  source: FileSource,
  file: string,
  request: JudgeRequest,
): Promise<Assessment> {
  const start = await readGgufStart(source, file, request.signal)
  const { fields, header } = start
  const facts: Facts = { file, license: textOf(fields, 'general.license') }
  if (header === null || ggufFiles(file).length > 1) return judgeByLength(source, fields, request, facts)
  const near = withStart(source, file, start.bytes)
  try {
    const model = await openGguf(near, file, request.signal)
    return await judgeCheckpoint(model.config as JsonValue, ggufCheckpoint(near, model), request, facts)
  } catch (error) {
    if (!(error instanceof TokenscopeError) || error.code !== 'unsupported') throw error
    const judged = { ...(await ggufFacts(source, fields, facts)), parameters: countOf(fields) }
    return { ...judged, fit: unfit(error.message, request.limits?.memoryBytes ?? memoryLimit()) }
  }
}

const textOf = (fields: GgufFields, key: string): string | null => (fields.has(key) ? fields.text(key) : null)
const countOf = (fields: GgufFields): number | null =>
  fields.has('general.parameter_count') ? fields.count('general.parameter_count') : null

/** Bits of a weight, by the kind in a file's name, as the usual mixtures come out. */
const BITS: Readonly<Record<string, number>> = {
  Q2: 3.2,
  Q3: 3.9,
  Q4: 4.8,
  IQ4: 4.5,
  Q5: 5.6,
  Q6: 6.6,
  Q8: 8.5,
  MXFP4: 4.4,
  F16: 16,
  BF16: 16,
  F32: 32,
}

const FORMATS: Readonly<Record<string, WeightFormat>> = {
  F16: 'f16',
  BF16: 'bf16',
  F32: 'f32',
  MXFP4: 'mxfp4',
}

function formatOfKind(kind: string): WeightFormat {
  const [, block] = /^(Q\d_[01]|Q\d_K|IQ4_(?:NL|XS))/.exec(kind) ?? []
  return FORMATS[kind] ?? ((block ?? 'Q4_K').toLowerCase() as WeightFormat)
}

async function ggufFacts(
  source: FileSource,
  fields: GgufFields,
  facts: Facts,
): Promise<Omit<Assessment, 'fit'> & { bytes: number }> {
  const names = ggufFiles(facts.file ?? '')
  const sizes = await Promise.all(names.map((name) => source.size(name)))
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
  const kind = ggufKind(facts.file ?? '') ?? 'Q4_K_M'
  const bits = BITS[/^(IQ\d|Q\d)/.exec(kind)?.[0] ?? kind] ?? 5
  const modelType = fields.text('general.architecture')
  return {
    ...facts,
    bytes,
    weightFiles: names,
    modelType,
    architecture: modelType,
    parameters: countOf(fields) ?? Math.round((bytes * 8) / bits),
    baseModels: [],
    weights: formatOfKind(kind),
    context: fields.has(`${modelType}.context_length`) ? fields.count(`${modelType}.context_length`) : 0,
  }
}

async function judgeByLength(
  source: FileSource,
  fields: GgufFields,
  { kvCache = 'f32', contextLength, limits }: JudgeRequest,
  facts: Facts,
): Promise<Assessment> {
  const { bytes, ...judged } = await ggufFacts(source, fields, facts)
  const listed = GGUF_ARCHITECTURES.find(({ name }) => name === judged.modelType)
  if (!listed) {
    const why = `${facts.file}: general.architecture is "${judged.modelType}", which cannot be run here yet.`
    return { ...judged, fit: unfit(why, limits?.memoryBytes ?? memoryLimit()) }
  }
  const none = { freqs: null, long: null, short: null }
  const sizes = new ArchitectureFields(listed.name, fields, () => false, none)
  const { layers, kvHeads, headDim } = sizes
  const each = Array.from({ length: layers }, () => ({ kvHeads, headDim, window: null }))
  const kv = await kvFormat(kvCache)
  const context = Math.min(contextLength ?? JUDGED_CONTEXT, sizes.context)
  const fit = judgeFit({
    asked: { weights: 'auto', context, kvCache },
    isFloat: false,
    limits,
    measure({ context: positions }) {
      const { cache, largestBuffer } = cacheBytes(each, positions, kv)
      return { total: bytes + cache + WORK_BYTES, largestBuffer }
    },
  })
  const { model_type: modelType, architectures } = configOf(listed, sizes)
  const [architecture] = Array.isArray(architectures) ? (architectures as unknown[]) : []
  return {
    ...judged,
    modelType: typeof modelType === 'string' ? modelType : judged.modelType,
    architecture: typeof architecture === 'string' ? architecture : judged.architecture,
    context: sizes.context,
    fit,
  }
}

/** The config as far as the fields before the cut give it: what is missing is for loading to refuse. */
function configOf(architecture: GgufArchitecture, fields: ArchitectureFields): HfConfig {
  try {
    return architecture.config(fields)
  } catch (error) {
    if (error instanceof TokenscopeError) return {}
    throw error
  }
}
