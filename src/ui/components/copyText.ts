import { TokenscopeError } from '../../errors.ts'

/** Browsers offer the clipboard on https and on localhost only, and may ask; `hint` says what else there is. */
export async function copyText(text: string, hint: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch (cause) {
    throw new TokenscopeError('unsupported', 'The browser did not let the page copy it.', { hint, cause })
  }
}
