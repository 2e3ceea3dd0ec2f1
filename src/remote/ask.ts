import { TokenscopeError } from '../errors.ts'
import { statusOf } from './errors.ts'
import { asRecord, type Json } from './shape.ts'

/** Statuses that speak of the key, of load or of a gateway, not of what was asked. */
const ABOUT_SOMETHING_ELSE = new Set([401, 403, 408, 429, 502, 503, 504])

function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== null) return status >= 400 && !ABOUT_SOMETHING_ELSE.has(status)
  // A page of HTML where an endpoint would be: a server that answers every address with its page.
  return error instanceof TokenscopeError && error.details['got'] !== undefined
}

/** The answer to a probe, or null where the engine refuses the request. Throws where it fails otherwise. */
export async function ask(work: Promise<unknown>): Promise<Json | null> {
  try {
    return asRecord(await work)
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}
