import { TokenscopeError, type ErrorCode } from '../errors.ts'
import { recordAt, textAt } from './shape.ts'

/** Characters of an engine's own words that an error repeats. */
const MAX_WORDS = 300

export interface Refusal {
  url: string
  status: number
  /** What the engine said. */
  body: string
  retryAfter: string | null
}

/** The engine's own message in the body of a refusal, in whichever of the usual places it stands. */
export function messageOf(body: unknown): string | null {
  return (
    textAt(recordAt(body, 'error'), 'message') ??
    textAt(body, 'error') ??
    textAt(body, 'message') ??
    textAt(body, 'detail')
  )
}

function readableBody(body: string): string {
  if (/^\s*</.test(body)) return 'a page of HTML'
  try {
    return (messageOf(JSON.parse(body)) ?? body).slice(0, MAX_WORDS)
  } catch {
    return body.slice(0, MAX_WORDS)
  }
}

/** Milliseconds that a Retry-After header asks for: seconds or a date. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(wait) ? null : Math.max(0, wait)
}

const EXCEEDED = /context (length|size|window)|exceed_context|too long|maximum.*tokens/i

function classify(status: number, body: string): { code: ErrorCode; hint: string } {
  if (status === 401 || status === 403) {
    return { code: 'network', hint: 'Give the key that this engine was started with as apiKey.' }
  }
  if (status === 404 || status === 405 || status === 501) {
    return { code: 'unsupported', hint: 'Check the address and the name of the model.' }
  }
  if (status === 413) return { code: 'limit', hint: 'Shorten the prompt, or raise the limit of the engine.' }
  if (status === 429)
    return { code: 'network', hint: 'The engine is busy or its quota is used up: wait, then try again.' }
  if (status >= 500) {
    return { code: 'network', hint: 'The engine may still be loading or have failed: its log says more.' }
  }
  if (EXCEEDED.test(body)) {
    return { code: 'context-full', hint: 'Shorten the prompt, or start the engine with a longer context.' }
  }
  return { code: 'bad-argument', hint: 'The engine refused a setting: its message names it.' }
}

/** An answer with an error status as a typed error: `details` hold status, address and, where asked for, the wait. */
export function refused({ url, status, body, retryAfter }: Refusal): TokenscopeError {
  const { code, hint } = classify(status, body)
  const said = readableBody(body)
  const words = said === '' ? '' : `: ${said}`
  return new TokenscopeError(code, `${url} answered ${status}${words}`, {
    hint,
    details: { url, status, retryAfterMs: retryAfterMs(retryAfter, Date.now()), said },
  })
}

/** The status of a refusal, null for any other error. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof TokenscopeError ? error.details['status'] : null
  return typeof status === 'number' ? status : null
}

export function broken(message: string, url: string, cause?: unknown): TokenscopeError {
  return new TokenscopeError('network', message, {
    hint: 'Try again; what has arrived is kept.',
    details: { url },
    cause,
  })
}

export function unsupported(engine: string, what: string, why: string): TokenscopeError {
  return new TokenscopeError('unsupported', `${engine} does not offer ${what}: ${why}`, {
    hint: 'Use an engine that offers it, or the model in this tab.',
    details: { engine, what },
  })
}
