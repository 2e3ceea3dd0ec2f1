import type { LoadOptions, Model, ModelSource } from './api/model.ts'
import { loadModelFrom } from './engine/load.ts'
import { modelsUrl } from './modelsUrl.ts'
import type * as Remote from './remote/connect.ts'
import { openSource } from './sources/open.ts'
import { openTokenizer, type LoadedTokenizer } from './text/openTokenizer.ts'

export type * from './api/model.ts'
export { renderChatTemplate } from './text/chatTemplate.ts'
export type { LoadedTokenizer, TokenizerInfo } from './text/openTokenizer.ts'
export { TokenscopeError, type ErrorCode } from './errors.ts'
export { identify, type FileKind } from './engine/identify.ts'
export { openTrace } from './trace/open.ts'
export type * from './remote/types.ts'
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

/**
 * Loads a model's tokenizer alone, without a GPU: from what `loadModel` takes.
 * @throws TokenscopeError: `bad-file`, `unsupported`, `network`, `aborted`
 */
export async function loadTokenizer(
  source: ModelSource,
  { signal }: { signal?: AbortSignal } = {},
): Promise<LoadedTokenizer> {
  return openTokenizer(await openSource(source, { modelsUrl: modelsUrl() }), signal)
}

/** Connects to an engine elsewhere, which then answers as a model does; its code is fetched on first use. See `src/remote/connect.ts`. */
export const connectModel: typeof Remote.connectModel = async (...args) =>
  (await import('./remote/connect.ts')).connectModel(...args)
