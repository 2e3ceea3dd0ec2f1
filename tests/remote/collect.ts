import { expect, vi } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import type { RemoteToken } from '../../src/remote/types.ts'

export interface Run {
  tokens: RemoteToken[]
  text: string
  /** What ended the stream, null when it ended well. */
  error: TokenscopeError | null
}

/** A whole answer, or as much as came before an error. */
export async function collect(stream: AsyncIterable<RemoteToken>): Promise<Run> {
  const tokens: RemoteToken[] = []
  let error: TokenscopeError | null = null
  try {
    for await (const token of stream) tokens.push(token)
  } catch (thrown) {
    if (!(thrown instanceof TokenscopeError)) throw thrown
    error = thrown
  }
  return { tokens, text: tokens.map(({ text }) => text).join(''), error }
}

/** The error a call ends with. */
export async function failure(work: Promise<unknown>): Promise<TokenscopeError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TokenscopeError)
  return error as TokenscopeError
}

/** Waits for something another process does. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 20_000, interval: 5 })
}
