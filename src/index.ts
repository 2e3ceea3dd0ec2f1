import type { LoadOptions, Model, ModelSource } from './api/model.ts'
import { loadModelFrom } from './engine/load.ts'
import { modelsUrl } from './modelsUrl.ts'

export type * from './api/model.ts'
export type { ChatMessage } from './text/types.ts'
export { TokenscopeError, type ErrorCode } from './errors.ts'
export { identify, type FileKind } from './sources/identify.ts'
export { openTrace } from './trace/open.ts'
export type * from './trace/types.ts'

/**
 * Loads a model and readies it for answering.
 *
 * @throws TokenscopeError: `no-webgpu`, `limit`, `out-of-memory`, `bad-file`, `unsupported`, `bad-argument`, `network`, `aborted`.
 * Nothing stays allocated when it throws.
 */
export function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  return loadModelFrom(source, options, modelsUrl())
}
