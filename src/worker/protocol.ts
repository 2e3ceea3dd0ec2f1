import type { ErrorData } from '../errors.ts'
import type {
  InspectedStep,
  Inspection,
  InspectOptions,
  LoadOptions,
  LoadProgress,
  Model,
  ModelInfo,
  ModelSource,
  Prompt,
} from '../api/model.ts'

/** Methods of a model that take plain data and answer once. */
export type CallMethod =
  | 'encode'
  | 'decode'
  | 'logits'
  | 'trace'
  | 'steps'
  | 'tokenLogits'
  | 'prepareAdapters'
  | 'addAdapter'
  | 'setAdapterScale'
  | 'removeAdapter'
  | 'listAdapters'
  | 'analyseAdapter'
  | 'adapterDirections'
  | 'adapterSimilarity'
  | 'mergeAdapters'
  | 'unmergeAdapters'
  | 'exportAdapter'
  | 'lens'
  | 'attribution'
  | 'fork'
  | 'expand'
  | 'cache'
  | 'saveTrace'
  | 'memory'
  | 'counters'
  | 'dispose'

export type CallArguments<M extends CallMethod> = Parameters<Model[M]>
export type CallResult<M extends CallMethod> = Awaited<ReturnType<Model[M]>>

/** Methods of an inspection. */
export type InspectionMethod =
  'read' | 'row' | 'stats' | 'weights' | 'attach' | 'resize' | 'draw' | 'time' | 'close'
export type InspectionArguments<M extends InspectionMethod> = Parameters<Inspection[M]>
export type InspectionResult<M extends InspectionMethod> = Awaited<ReturnType<Inspection[M]>>

/** Options that survive `postMessage`: callbacks and signals stay on the page. */
export type WireLoadOptions = Omit<LoadOptions, 'device' | 'signal' | 'onProgress'>

/** Methods of a model that answer piece by piece. */
export type StreamMethod = 'generate' | 'compare' | 'score' | 'speculate'
export type StreamOptions<M extends StreamMethod> = NonNullable<Parameters<Model[M]>[1]>
export type StreamItem<M extends StreamMethod> =
  ReturnType<Model[M]> extends AsyncIterable<infer T> ? T : never

/** Page → worker. `run` numbers a request; answers carry it, so late ones are known and dropped. */
export type ToWorker =
  | { type: 'load'; run: number; source: ModelSource; options: WireLoadOptions }
  | { type: 'call'; run: number; model: number; method: CallMethod; args: readonly unknown[] }
  | { type: 'stream'; run: number; model: number; method: StreamMethod; prompt: Prompt; options: object }
  | { type: 'inspect'; run: number; model: number; ids: readonly number[]; options: InspectOptions }
  | {
      type: 'inspection'
      run: number
      inspection: number
      method: InspectionMethod
      args: readonly unknown[]
    }
  | { type: 'abort'; run: number }
  | { type: 'ping'; run: number }
  /** Destroys the GPU device, as a driver reset would: for fault tests. */
  | { type: 'lose-device'; run: number }

/** Worker → page. */
export type FromWorker =
  | { type: 'loaded'; run: number; model: number; info: ModelInfo }
  | { type: 'progress'; run: number; progress: LoadProgress }
  | { type: 'result'; run: number; value: unknown }
  | { type: 'prefill'; run: number; done: number; total: number }
  | { type: 'item'; run: number; item: unknown }
  | {
      type: 'inspected'
      run: number
      inspection: number
      ids: readonly number[]
      steps: readonly InspectedStep[]
      retainedBytes: number
    }
  | { type: 'done'; run: number }
  | { type: 'error'; run: number; error: ErrorData }
  | { type: 'pong'; run: number }
  | { type: 'fault'; model: number; error: ErrorData }
