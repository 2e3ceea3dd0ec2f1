import type { HubOptions } from './api/load.ts'
import type { LoadOptions, Model, ModelSource } from './api/model.ts'
import type { InspectSourceOptions, SourceReport } from './api/source.ts'
import { loadModelFrom } from './engine/load.ts'
import { modelsUrl } from './modelsUrl.ts'
import type * as Remote from './remote/connect.ts'
import { openSource } from './sources/open.ts'
import { openTokenizer, type LoadedTokenizer } from './text/openTokenizer.ts'

export type * from './api/model.ts'
export type * from './api/source.ts'
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
  { signal, hub }: { signal?: AbortSignal; hub?: HubOptions } = {},
): Promise<LoadedTokenizer> {
  return openTokenizer(await openSource(source, { modelsUrl: modelsUrl(), hub }), signal)
}

/**
 * What a source holds and whether it will run here, before any weight is read: see `src/engine/inspectSource.ts`.
 * @throws TokenscopeError: `bad-file`, `bad-argument`, `network`, `aborted`
 */
export async function inspectSource(
  source: ModelSource,
  options: InspectSourceOptions = {},
): Promise<SourceReport> {
  return (await import('./engine/inspectSource.ts')).inspectSourceFrom(source, options, modelsUrl())
}

/** Connects to an engine elsewhere, which then answers as a model does; its code is fetched on first use. See `src/remote/connect.ts`. */
export const connectModel: typeof Remote.connectModel = async (...args) =>
  (await import('./remote/connect.ts')).connectModel(...args)
