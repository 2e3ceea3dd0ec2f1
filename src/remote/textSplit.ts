/** What is known of one token within a piece of text: its bytes, else its own text. */
export interface TokenPiece {
  bytes: Uint8Array | null
  text: string
}

/**
 * Shares a piece of text among the tokens it was sent with; the shares joined are the piece. A character whose bytes lie in several
 * tokens goes to the last of them. Where the spellings do not give the piece, the first token has it all.
 */
export function shareText(piece: string, tokens: readonly TokenPiece[]): string[] {
  if (tokens.length === 1) return [piece]
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const shares = tokens.map(({ bytes, text }) => (bytes ? decoder.decode(bytes, { stream: true }) : text))
  if (shares.join('') === piece) return shares
  return tokens.map((_, index) => (index === 0 ? piece : ''))
}
