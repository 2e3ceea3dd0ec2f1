import type { ChatMessage } from '../text/types.ts'
import type { AdapterScale, FinishReason, SamplingOptions } from '../api/model.ts'
import type {
  Capability,
  ConnectedInfo,
  Feature,
  RemoteAdapter,
  RemoteScoredToken,
  RemoteToken,
  TemplateOptions,
} from './types.ts'

/** A run as a dialect takes it: checked and filled in. */
export interface RunRequest extends SamplingOptions {
  prompt:
    | { kind: 'text'; text: string }
    | { kind: 'ids'; ids: readonly number[] }
    | { kind: 'chat'; messages: readonly ChatMessage[] }
  maxTokens: number
  topLogprobs: number
  stopStrings: readonly string[]
  stopIds: readonly number[]
  adapters: readonly AdapterScale[]
}

export type SentToken = Pick<RemoteToken, 'id' | 'text' | 'logprob' | 'top' | 'part'>

/** What a stream tells, in the order it arrived. */
export type RunEvent =
  | { kind: 'token'; token: SentToken }
  /** Length of the prompt in tokens, once known, and how many of them were cached. */
  | { kind: 'prompt'; ids: readonly number[] | null; count: number; cached: number | null }
  | { kind: 'prefill'; done: number; total: number }
  | { kind: 'finish'; finish: FinishReason }

/** One way of speaking to an engine, with what this one was seen to offer. */
export interface Dialect {
  readonly engine: string
  readonly features: Readonly<
    Record<Feature | 'encode' | 'decode' | 'applyChatTemplate' | 'score', Capability>
  >
  readonly maxTopLogprobs: number
  readonly facts: Partial<ConnectedInfo>
  readonly adapters: readonly RemoteAdapter[]
  run(request: RunRequest, signal: AbortSignal): AsyncIterable<RunEvent>
  encode(
    text: string,
    options: { addSpecialTokens: boolean; parseSpecial: boolean | undefined },
  ): Promise<number[]>
  decode(ids: readonly number[]): Promise<string>
  /** Bytes of each token of a text, where the engine gives them. */
  pieces(text: string): Promise<{ id: number; bytes: Uint8Array }[] | null>
  applyChatTemplate(messages: readonly ChatMessage[], options: Required<TemplateOptions>): Promise<string>
  score(
    ids: readonly number[],
    options: { topLogprobs: number; adapters: readonly AdapterScale[]; signal: AbortSignal },
  ): Promise<RemoteScoredToken[]>
}
