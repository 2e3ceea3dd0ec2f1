import type {
  AdapterScale,
  Edit,
  GeneratedToken,
  ModelInfo,
  StepInfo,
  TensorData,
  TensorStats,
  TokenAlternative,
} from '../api/model.ts'

/** What a trace file says of the model that ran. */
export type SavedModel = Pick<
  ModelInfo,
  | 'id'
  | 'architecture'
  | 'layers'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'hidden'
  | 'vocab'
  | 'context'
  | 'parameters'
  | 'weights'
  | 'backend'
> & {
  /** Name of the kernel variant. */
  variant: string
}

/** What the run was made on. */
export interface SavedMachine {
  /** Of a browser its user agent, of Node its name and version; empty where the environment says nothing of itself. */
  browser: string
  /** The GPU, as {@link ModelInfo.backend} names it. */
  device: string
  /** Limits of the WebGPU device, by name. */
  limits: Readonly<Record<string, number>>
}

/** An adapter's share in the run, by the name it was loaded under. */
export interface SavedAdapter extends AdapterScale {
  name: string
}

/** An edit of the run. Vectors are not kept: their Euclidean norm stands for them. */
export interface SavedEdit {
  kind: Edit['kind']
  step: string
  /** Its numbers by name: factor, head, from, to, position, query, key, norm. */
  values: Readonly<Record<string, number>>
}

/** What the model predicted behind one position, before any filter. */
export interface SavedPrediction {
  /** Row the prediction was made from: it is about the token at `position + 1`. */
  position: number
  /** Descending. */
  top: readonly TokenAlternative[]
  /** Of the whole distribution, nats. */
  entropy: number
  /** Of the token that really came next: natural log of its probability, and how many were more probable. Null at the end. */
  next: { logprob: number; rank: number } | null
}

/** A step of the run's program. */
export interface SavedStep extends Pick<
  StepInfo,
  'name' | 'layer' | 'inputs' | 'axes' | 'output' | 'flops' | 'bytes' | 'formula' | 'coveredBy'
> {
  /** What it computes; files of later versions may know other ops. */
  op: string
  /** Names of the checkpoint tensors it reads. */
  params: readonly string[]
  /** Of its tensor; null when that was not kept. */
  stats: TensorStats | null
}

/** A run read from a trace file: plain data, and tensors unpacked when they are asked for. */
export interface SavedTrace {
  /** Of the file's format. */
  readonly version: number
  /** Size of the file. */
  readonly bytes: number
  readonly model: SavedModel
  /** Null in files of before that say nothing of it. */
  readonly machine: SavedMachine | null
  readonly ids: readonly number[]
  /** One per id; empty for ids without a text of their own. */
  readonly texts: readonly string[]
  /** Ids of the prompt; those behind were generated. */
  readonly promptLength: number
  readonly settings: Readonly<Record<string, number>>
  /** Empty: the base. */
  readonly adapters: readonly SavedAdapter[]
  readonly edits: readonly SavedEdit[]
  /** What was captured of the generated tokens while they were written; empty when nothing was. */
  readonly tokens: readonly GeneratedToken[]
  /** One per position. */
  readonly predictions: readonly SavedPrediction[]
  readonly steps: readonly SavedStep[]
  /**
   * The tensor of a step, bit for bit as `model.trace` gave it; a new array at every call.
   * @throws `bad-argument` for a step that was not kept, `bad-file` when its data cannot be unpacked.
   */
  tensor(step: string): Promise<TensorData>
}

/** Everything of a run that is written, tensors included. */
export interface TraceContent extends Omit<SavedTrace, 'version' | 'bytes' | 'steps' | 'tensor'> {
  steps: readonly Omit<SavedStep, 'stats'>[]
  tensors: ReadonlyMap<string, TensorData>
}
