import type { ScoreOptions } from '../api/model.ts'
import type { ChatMessage } from '../text/types.ts'
import type { BranchOptions, FinishReason, GenerateOptions, Model, ModelInfo, Prompt } from '../api/model.ts'

/** True where the engine was seen to do it, else why not and what would. */
export type Capability = true | string

/** What an engine may or may not do, beside the methods of {@link Model}. */
export const FEATURES = [
  /** Prompts by kind. */
  'prompt-text',
  'prompt-ids',
  'prompt-chat',
  /** What comes with a generated token. */
  'token-ids',
  'logprobs',
  /** Settings that reach the sampler. */
  'top-k',
  'min-p',
  'repetition-penalty',
  /** Token ids as stops, and scales of adapters between 0 and 1 or beyond. */
  'stop-ids',
  'adapter-scales',
] as const

export type Feature = (typeof FEATURES)[number]
export type Capabilities = Readonly<Record<Feature | keyof RemoteMethods | UnofferedMethod, Capability>>

/** Methods of a model that need its weights and activations: no engine offers them over HTTP. */
export const UNOFFERED = [
  'chatTemplate',
  'companions',
  'alternativeTexts',
  'logits',
  'fillMask',
  'logitsAt',
  'steps',
  'trace',
  'traceRows',
  'inspect',
  'lens',
  'attribution',
  'editEffects',
  'compare',
  'speculate',
  'precision',
  'cache',
  'saveTrace',
  'addAdapter',
  'newAdapter',
  'gradients',
  'train',
  'trainingState',
  'removeAdapter',
  'mergeAdapters',
  'unmergeAdapters',
  'exportAdapter',
  'analyseAdapter',
  'adapterDirections',
  'adapterSimilarity',
  'selfTest',
  'watchValues',
  'watchedValues',
  'memory',
  'counters',
] as const satisfies readonly (keyof Model)[]

export type UnofferedMethod = (typeof UNOFFERED)[number]

/** What is known of the engine a model answers from. */
export interface RemoteInfo {
  /** The engine's root, without key. */
  url: string
  /** Its name and version as far as it says them. */
  engine: string
  /** Ids of all models it lists. */
  models: readonly string[]
  capabilities: Capabilities
  /** Most alternatives per token it was seen to send; 0 without log-probabilities. */
  maxTopLogprobs: number
}

/**
 * Of a model elsewhere: counts the engine does not say are 0, lists empty, and no variant computes here.
 * `weights` is the engine's own word for its storage, e.g. `Q4_1`.
 */
export interface ConnectedInfo extends Omit<ModelInfo, 'weights' | 'kvCache' | 'variant' | 'remote'> {
  weights: string | null
  kvCache: null
  variant: null
  remote: RemoteInfo
}

export interface RemoteAlternative {
  /** Null where the engine sends texts only. */
  id: number | null
  text: string
  logprob: number
}

/** What a streamed text is part of: the answer, the thinking before it, or the call of a tool (its name, then its arguments). */
export type TextPart = 'answer' | 'reasoning' | 'tool-call'

/** A generated token as the engine sent it; where it sends no log-probabilities, one piece of the stream. */
export interface RemoteToken {
  index: number
  /** Null where the length of the prompt in tokens is not known. */
  position: number | null
  id: number | null
  text: string
  /** Null where none was sent. Whether it is before or after the samplers is the engine's choice; most send it before. */
  logprob: number | null
  top: RemoteAlternative[]
  /** The draw happens elsewhere. */
  random: null
  finish: FinishReason | null
  part: TextPart
}

export interface RemoteScoredToken {
  position: number
  id: number
  logprob: number
  /** Null where the engine does not say. */
  rank: number | null
  /** The whole distribution is never sent. */
  entropy: null
  top: readonly RemoteAlternative[]
}

export interface RemoteNextTokens {
  top: readonly RemoteAlternative[]
  entropy: null
}

export interface RemoteFork {
  ids: readonly number[]
  next: RemoteNextTokens
  /** Positions the engine says it had cached, null where it does not. */
  reused: number | null
}

export interface RemoteChild {
  token: RemoteAlternative & { id: number }
  next: RemoteNextTokens
}

/** An adapter the engine was started with. `scale` is what requests of this client ask for. */
export interface RemoteAdapter {
  id: string
  name: string
  scale: number
}

export interface TemplateOptions {
  addGenerationPrompt?: boolean | undefined
  continueFinalMessage?: boolean | undefined
}

/** The methods that differ from {@link Model} in what they can say. */
export interface RemoteMethods {
  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]>
  decode(ids: readonly number[]): Promise<string>
  /** What each id adds to the text, in context. */
  tokenTexts(ids: readonly number[]): Promise<string[]>
  /** Messages through the template the engine uses. */
  applyChatTemplate(messages: readonly ChatMessage[], options?: TemplateOptions): Promise<string>
  /**
   * A run at the engine; leaving it early, or the signal, ends the request there. A last message of the assistant is continued.
   *
   * @throws `network` when the stream breaks off: `details.continue` then holds the prompt and the number of tokens that go on
   * from what has arrived, for another call.
   */
  generate(prompt: Prompt, options?: GenerateOptions): AsyncIterable<RemoteToken>
  score(ids: readonly number[], options?: ScoreOptions): AsyncIterable<readonly RemoteScoredToken[]>
  /** [vocab], the log-probabilities that were sent; NaN where none was. */
  tokenLogits(index: number): Promise<{ data: Float32Array; recomputed: boolean }>
  fork(ids: readonly number[], position: number, token: number, options?: BranchOptions): Promise<RemoteFork>
  expand(ids: readonly number[], count: number, options?: BranchOptions): Promise<readonly RemoteChild[]>
  listAdapters(): Promise<readonly RemoteAdapter[]>
  /** For the requests of this client alone; what others see stays. */
  setAdapterScale(id: string, scale: number): Promise<void>
}

/**
 * A model that runs elsewhere, with the surface of {@link Model}: a {@link Model} can stand wherever only this is needed.
 * What the engine lacks rejects with `unsupported`.
 */
export interface ConnectedModel extends Omit<Model, 'info' | keyof RemoteMethods>, RemoteMethods {
  readonly info: ConnectedInfo
}

export interface ConnectOptions {
  /** Default: the first that the engine lists. */
  model?: string | undefined
  /** Sent as a bearer token, kept in memory only. */
  apiKey?: string | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds until the first byte of an answer, which may wait for a model to load; default 5 minutes. */
  patienceMs?: number | undefined
  /** Milliseconds of silence within an answer; default 30 seconds. */
  silenceMs?: number | undefined
}
