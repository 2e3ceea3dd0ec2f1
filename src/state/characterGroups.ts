/**
 * Groups tokens that together make one character. A streaming detokeniser gives a token that ends inside a
 * character an empty text and hands the whole character to the token that completes it, so an empty text means
 * "joins the next token". Tokens that stand for no text at all (end of text, …) are groups of their own.
 */
export interface GroupedToken {
  id: number
  text: string
}

/** Index of the first token of every group, ascending; `isTextless` says which ids never have a text. */
export function groupStarts(tokens: readonly GroupedToken[], isTextless: (id: number) => boolean): number[] {
  const starts: number[] = []
  extendGroupStarts(starts, tokens, 0, isTextless)
  return starts
}

/** Appends the starts of `tokens[from…]`; earlier starts never change, which is what lets a stream only append. */
export function extendGroupStarts(
  starts: number[],
  tokens: readonly GroupedToken[],
  from: number,
  isTextless: (id: number) => boolean,
): void {
  for (let index = from; index < tokens.length; index++) {
    const token = tokens[index]
    const previous = tokens[index - 1]
    if (token === undefined) continue
    const joins =
      previous !== undefined && previous.text === '' && !isTextless(previous.id) && !isTextless(token.id)
    if (!joins) starts.push(index)
  }
}

/** A piece of shown text: plain, a blank that is marked on hover, a line break, or bytes of no character. */
export type Piece = { kind: 'text' | 'space' | 'tab' | 'newline' | 'broken'; text: string }

const KIND_OF: Readonly<Record<string, Piece['kind']>> = {
  ' ': 'space',
  '\u00a0': 'space',
  '\t': 'tab',
  '\n': 'newline',
  '\r': 'newline',
  '\ufffd': 'broken',
}

/** Splits a token's text so that blanks and broken bytes can be marked; joining the texts gives it back. */
export function splitPieces(text: string): Piece[] {
  const pieces: Piece[] = []
  for (const part of text.match(/\r\n|[ \u00a0\t\n\r\ufffd]|[^ \u00a0\t\n\r\ufffd]+/gu) ?? []) {
    pieces.push({ kind: part === '\r\n' ? 'newline' : (KIND_OF[part] ?? 'text'), text: part })
  }
  return pieces
}

/** One-line spelling of a token for tables and labels: blanks become visible signs. */
export function visibleText(text: string): string {
  return text
    .replaceAll(' ', '\u00b7')
    .replaceAll('\u00a0', '\u237d')
    .replaceAll('\t', '\u21e5')
    .replace(/\r\n|\n|\r/g, '\u21b5')
    .replaceAll('\ufffd', '\u25cc')
}
