import type { ErrorData } from '../errors.ts'
import type { LoadOptions, Model, ModelSource } from '../api/model.ts'
import type { CallModels } from '../api/source.ts'

/** What the engine tells the page without being asked. */
export type EngineEvent =
  /** The GPU device is gone; `losses` counts in this tab. Loaded models are unusable, text is not lost. */
  | { type: 'device-lost'; error: ErrorData; losses: number }
  /** A fault on the GPU outside any call (validation, out of memory). Generation has stopped. */
  | { type: 'gpu-error'; error: ErrorData }
  /** The worker died or hung and has been started again; the model must be loaded again. */
  | { type: 'worker-restarted'; error: ErrorData }

/** The page's side of the engine worker: the library's surface through messages. */
export interface EngineClient {
  loadModel(source: ModelSource, options?: Omit<LoadOptions, 'device'>): Promise<Model>
  /** Finds, judges, keeps and removes models; clients without a worker do not. */
  models?: CallModels
  /** Returns the unsubscribe function. */
  onEvent(listener: (event: EngineEvent) => void): () => void
  /** Hears when the models begin to compute and when none does any more, whoever asked. Returns the unsubscribe function. */
  onWork?(listener: (working: boolean) => void): () => void
  /** Destroys the worker's GPU devices, as a driver reset would. For fault tests; clients without a worker have none. */
  simulateDeviceLoss?(): Promise<void>
  dispose(): void
}
