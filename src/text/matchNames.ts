/** A regular expression from a file. */
export interface NamePattern {
  source: string
  flags: string
}

/** For each pattern 1 by every text it matches; why, for what is no pattern. Runs in the sandbox: it may never end. */
export function matchNames(
  patterns: readonly NamePattern[],
  texts: readonly string[],
): (string | Uint8Array)[] {
  return patterns.map(({ source, flags }) => {
    try {
      const pattern = new RegExp(source, flags)
      return Uint8Array.from(texts, (text) => (pattern.test(text) ? 1 : 0))
    } catch (error) {
      return error instanceof Error
        ? error.message.replace(/^Invalid regular expression: .*: /, '')
        : String(error)
    }
  })
}
