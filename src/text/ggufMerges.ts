/** Merges as a byte-level vocabulary stores them, `left right`. A piece may begin with a space, but holds none further on. */
export function mergesOf(lines: readonly string[]): (readonly [left: string, right: string])[] {
  return lines.map((line) => {
    const at = line.indexOf(' ', 1)
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
  })
}

/**
 * The merges by which a SentencePiece vocabulary grows: every way to put a piece together from two others, the best score
 * first; ways to the same piece in the order of their parts' ids. So they stand in Llama 2's own tokenizer.json.
 *
 * @param pieces Ids by spelling.
 */
export function rankedPairs(
  pieces: ReadonlyMap<string, number>,
  scores: ArrayLike<number>,
): (readonly [left: string, right: string])[] {
  const order = [...pieces].map(([piece, id]) => ({ piece, score: scores[id] ?? 0 }))
  order.sort((a, b) => b.score - a.score)
  return order.flatMap(({ piece }) => waysTo(piece, pieces))
}

interface Way {
  left: string
  right: string
  ids: readonly [left: number, right: number]
}

function waysTo(piece: string, pieces: ReadonlyMap<string, number>): [left: string, right: string][] {
  const ways: Way[] = []
  let at = 0
  for (const character of piece) {
    at += character.length
    const left = piece.slice(0, at)
    const right = piece.slice(at)
    const ids = [pieces.get(left), pieces.get(right)] as const
    if (ids[0] !== undefined && ids[1] !== undefined) ways.push({ left, right, ids: [ids[0], ids[1]] })
  }
  ways.sort((a, b) => a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1])
  return ways.map(({ left, right }) => [left, right])
}
