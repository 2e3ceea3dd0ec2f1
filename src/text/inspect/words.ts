import type { LatticeNode, Merge, WordWork } from './types.ts'

/** What the library's models hold, as far as their work is shown. */
export interface LibraryModel {
  (words: string[]): string[]
  tokens_to_ids: Map<string, number>
  unk_token_id?: number | undefined
  bpe_ranks?: Map<string, number>
  ignore_merges?: boolean
  end_of_word_suffix?: string | null
  scores?: number[]
  unk_score?: number
  trie?: { common_prefix_search(characters: string[], start: number): Iterable<string> }
  tokenize?(word: string): string[]
}

/** Characters of a word whose work is shown. */
const MAX_WORD = 64

/** @param leavesOut whether characters without an entry are passed over before merging */
export function wordWork(model: LibraryModel, type: string, word: string, leavesOut: boolean): WordWork {
  const characters = Array.from(word)
  if (characters.length > MAX_WORD) return { kind: 'long' }
  if (type === 'BPE') return bpeWork(model, word, leavesOut)
  if (type === 'Unigram') return unigramWork(model, characters)
  return { kind: 'lookup' }
}

function bpeWork(model: LibraryModel, word: string, leavesOut: boolean): WordWork {
  const ids = model.tokens_to_ids
  if (model.ignore_merges === true && ids.has(word)) return { kind: 'whole' }
  const symbols = Array.from(word).filter((symbol) => !leavesOut || ids.has(word) || ids.has(symbol))
  const suffix = model.end_of_word_suffix ?? ''
  if (symbols.length > 0) symbols[symbols.length - 1] += suffix
  return { kind: 'bpe', symbols, merges: mergesOf(symbols, model.bpe_ranks ?? new Map<string, number>()) }
}

/** The merges of a word: each time the pair of lowest rank, the leftmost of equal ones (Sennrich et al. 2016). */
function mergesOf(start: readonly string[], ranks: ReadonlyMap<string, number>): Merge[] {
  const merges: Merge[] = []
  let symbols = start
  for (;;) {
    let rank = Infinity
    let at = -1
    symbols.slice(1).forEach((right, index) => {
      const mergeRank = ranks.get(JSON.stringify([symbols[index], right]))
      if (mergeRank === undefined || mergeRank >= rank) return
      rank = mergeRank
      at = index
    })
    const [left, right] = [symbols[at], symbols[at + 1]]
    if (left === undefined || right === undefined) return merges
    symbols = [...symbols.slice(0, at), left + right, ...symbols.slice(at + 2)]
    merges.push({ rank, left, right, at, symbols })
  }
}

function unigramWork(model: LibraryModel, characters: string[]): WordWork {
  const path = model.tokenize?.(characters.join('')) ?? []
  const chosen = new Map<number, number>()
  let at = 0
  for (const piece of path) {
    const length = Array.from(piece).length
    chosen.set(at, length)
    at += length
  }
  const nodes = characters.flatMap((character, start): LatticeNode[] => {
    const pieces = [...(model.trie?.common_prefix_search(characters, start) ?? [])]
    const matches = pieces.map((piece) => {
      const id = model.tokens_to_ids.get(piece) ?? null
      const length = Array.from(piece).length
      const score = model.scores?.[id ?? -1] ?? NaN
      return { start, length, id, piece, score, chosen: chosen.get(start) === length }
    })
    if (matches.some(({ length }) => length === 1)) return matches
    const score = model.unk_score ?? NaN
    return [
      ...matches,
      { start, length: 1, id: null, piece: character, score, chosen: chosen.get(start) === 1 },
    ]
  })
  const score = nodes.reduce((sum, node) => (node.chosen ? sum + node.score : sum), 0)
  return { kind: 'unigram', characters, nodes, score }
}
