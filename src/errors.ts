/** What went wrong, as a stable word a program can branch on. */
export type ErrorCode =
  | 'no-webgpu'
  | 'limit'
  | 'out-of-memory'
  | 'bad-file'
  | 'unsupported'
  | 'bad-argument'
  | 'context-full'
  | 'device-lost'
  | 'network'
  | 'storage'
  | 'aborted'

export interface ErrorFields {
  /** What the reader can do about it, one sentence. */
  hint?: string
  /** Where it happened and the values involved: file, field, got, expected. Serialisable. */
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** An expected failure: says what happened, where, and what to do. Survives `structuredClone` through {@link toErrorData}. */
export class TokenscopeError extends Error {
  override readonly name = 'TokenscopeError'
  readonly code: ErrorCode
  readonly hint: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, { hint = '', details = {}, cause }: ErrorFields = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.details = details
  }
}

/** The plain-data form of an error that crosses a worker boundary or a trace file. */
export interface ErrorData {
  code: ErrorCode | 'bug'
  message: string
  hint: string
  details: Readonly<Record<string, unknown>>
}

export function toErrorData(error: unknown): ErrorData {
  if (error instanceof TokenscopeError) {
    return { code: error.code, message: error.message, hint: error.hint, details: error.details }
  }
  const message = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error)
  return { code: 'bug', message, hint: 'This is a fault in Tokenscope; please report it.', details: {} }
}

export function fromErrorData(data: ErrorData): Error {
  if (data.code === 'bug') return new Error(data.message)
  return new TokenscopeError(data.code, data.message, { hint: data.hint, details: data.details })
}

/** Throws on a broken assumption of our own: a bug, not an expected failure. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant: ${message}`)
}

/** Throws `aborted` once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TokenscopeError('aborted', 'The operation was cancelled.')
}
