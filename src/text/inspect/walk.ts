import type { PreTrainedTokenizer } from '@xenova/transformers'
import type { PipelinePart } from '../parts.ts'
import type { ExplainedWord, NormalStep, Section } from './types.ts'
import type { LibraryModel } from './words.ts'

interface LibraryNormalizer {
  (text: string): string
  normalizers?: (LibraryNormalizer | null)[]
}

interface LibraryAddedToken {
  id: number
  lstrip?: boolean
  rstrip?: boolean
}

/** The parts of the library's tokenizer that a text goes through, by the library's own names. */
interface Library {
  normalizer: LibraryNormalizer | null
  pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null
  model: LibraryModel
  splitter_unnormalized: { split(text: string): string[] }
  splitter_normalized: { split(text: string): string[] }
  added_tokens_map: Map<string, LibraryAddedToken>
}

/** The library declares these private; its own encoding walks them in the same order. */
export function libraryOf({ _tokenizer }: PreTrainedTokenizer): Library {
  return _tokenizer as unknown as Library
}

/** A text's sections around added tokens, blanks beside those that take them removed. */
function split(library: Library, splitter: Library['splitter_normalized'], text: string): string[] {
  const sections = splitter.split(text)
  sections.forEach((section, i) => {
    const token = library.added_tokens_map.get(section)
    const [previous, next] = [sections[i - 1], sections[i + 1]]
    if (token?.lstrip === true && previous !== undefined) sections[i - 1] = previous.trimEnd()
    if (token?.rstrip === true && next !== undefined) sections[i + 1] = next.trimStart()
  })
  return sections
}

/** Steps of a normalizer that are not sequences themselves, with the library's maker of each. */
function leaves(part: PipelinePart, normalizer: LibraryNormalizer | null): [string, LibraryNormalizer][] {
  if (part === null || normalizer === null) return []
  if (part.type !== 'Sequence') return [[part.type, normalizer]]
  const parts = part['normalizers'] as PipelinePart[]
  return parts.flatMap((one, i) => leaves(one, normalizer.normalizers?.[i] ?? null))
}

function idOf(library: Library, piece: string): number {
  const id = library.added_tokens_map.get(piece)?.id ?? library.model.tokens_to_ids.get(piece)
  return id ?? library.model.unk_token_id ?? -1
}

function wordsOf(library: Library, text: string, section: number): ExplainedWord[] {
  const words =
    library.pre_tokenizer === null ? [text] : library.pre_tokenizer(text, { section_index: section })
  return words.map((word) => {
    const pieces = library.model([word])
    return { text: word, pieces, ids: pieces.map((piece) => idOf(library, piece)) }
  })
}

/** A text as the tokenizer takes it apart, before tokens are put around it. */
export function walkText(tokenizer: PreTrainedTokenizer, normalizer: PipelinePart, text: string): Section[] {
  const library = libraryOf(tokenizer)
  const added = (section: string): Section[] => {
    const token = library.added_tokens_map.get(section)
    return token === undefined ? [] : [{ kind: 'added', id: token.id, text: section }]
  }
  return split(library, library.splitter_unnormalized, text).flatMap((section, index): Section[] => {
    if (section === '') return []
    const token = added(section)
    if (token.length > 0) return token
    const steps: NormalStep[] = []
    let normal = section
    for (const [name, step] of leaves(normalizer, library.normalizer)) {
      normal = step(normal)
      steps.push({ name, text: normal })
    }
    if (normal === '') return [{ kind: 'text', text: section, steps, words: [] }]
    const parts = split(library, library.splitter_normalized, normal).filter((part) => part !== '')
    return parts.flatMap((part, place): Section[] => {
      const inner = added(part)
      if (inner.length > 0) return inner
      // Steps are told once, where the text they changed begins.
      const source = { text: place === 0 ? section : part, steps: place === 0 ? steps : [] }
      return [{ kind: 'text', ...source, words: wordsOf(library, part, index) }]
    })
  })
}
