import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  hexOf,
  jamoOf,
  readablePiece,
  scriptMeasures,
  textMeasure,
} from '../../src/ui/views/tokenizer/measures.ts'
import { candidates } from '../../src/text/inspect/candidates.ts'
import { tokenizerFiles } from '../../src/text/inspect/files.ts'
import { TokenizerInspector } from '../../src/text/inspect/inspector.ts'
import type { Explained } from '../../src/text/inspect/types.ts'
import { FIXTURES, readJson, SHARED, WITHOUT_SHARED } from './shared.ts'

const BARE = { addSpecialTokens: false, parseSpecial: true }

function open(folder: string): Promise<TokenizerInspector> {
  const names = readdirSync(folder).filter((name) => name !== 'cases.json')
  return TokenizerInspector.open(
    tokenizerFiles(new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]))),
  )
}

/** Ids of the sections, in order. */
const sectionIds = ({ sections }: Explained): number[] =>
  sections.flatMap((section) =>
    section.kind === 'added' ? [section.id] : section.words.flatMap(({ ids }) => ids),
  )

/** The pieces that a word's work ends in; null where it shows none. */
function worked(inspector: TokenizerInspector, word: string): readonly string[] | null {
  const work = inspector.work(word, BARE)
  if (work.kind === 'bpe') return work.merges.at(-1)?.symbols ?? work.symbols
  if (work.kind === 'unigram')
    return work.nodes
      .filter(({ chosen }) => chosen)
      .sort((a, b) => a.start - b.start)
      .map(({ piece }) => piece)
  return null
}

const folders = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, 'cases.json')))

describe.each(folders)('%s', (name) => {
  test('a text taken apart gives the ids of the tokenizer, each word the pieces its work ends in', async () => {
    const inspector = await open(join(FIXTURES, name))
    for (const { text } of readJson<{ text: string }[]>(FIXTURES, name, 'cases.json')) {
      const explained = inspector.explain(text, BARE)
      const ids = inspector.encode(text, BARE)
      expect(explained.tokens.map(({ id }) => id)).toEqual(ids)
      // Unknown characters of neighbouring words become one token where the model fuses them.
      const fused = new Set(ids).size < ids.length && sectionIds(explained).length > ids.length
      if (!fused) expect(sectionIds(explained), text).toEqual(ids)
      for (const section of explained.sections) {
        if (section.kind === 'added') continue
        for (const { text: word, pieces } of section.words) {
          const steps = worked(inspector, word)
          const spelled = pieces.every((piece) => word.includes(piece))
          if (steps === null || !spelled) continue
          expect(steps.join(''), word).toBe(pieces.join(''))
          // Unknown characters side by side are one piece to the model.
          if (steps.length === pieces.length) expect(steps, word).toEqual(pieces)
        }
      }
    }
  })
})

interface Extended {
  texts: string[]
  cases: { tokenizer: string; normalized: boolean; first: number; tokens: string[]; ids: number[][] }[]
}

const extended = readJson<Extended>(FIXTURES, 'extended.json')

test.each(extended.cases)(
  '$tokenizer with more tokens, normalized $normalized, as add_tokens makes it',
  async (one) => {
    const inspector = await open(join(FIXTURES, one.tokenizer))
    const created = inspector.extended(one.tokens, one.normalized)
    expect(extended.texts.map((text) => created.encode(text, BARE))).toEqual(one.ids)
    expect(created.facts.size).toBe(inspector.facts.size + one.tokens.length)
  },
)

describe('what a larger vocabulary would save', () => {
  test('takes what saves most, counts the text again', async () => {
    const inspector = await open(join(FIXTURES, 'byte_level'))
    const corpus = '강강강강강 나나 다'
    const { saved, inspector: made } = inspector.whatIf({
      corpus,
      unit: 'syllables',
      count: 2,
      normalized: true,
    })
    expect(saved.added.map(({ text, times }) => [text, times])).toEqual([
      ['강', 5],
      ['나', 2],
    ])
    expect(saved.tokensBefore).toBe(inspector.encode(corpus, BARE).length)
    expect(saved.tokensAfter).toBe(made.encode(corpus, BARE).length)
    expect(saved.tokensAfter).toBeLessThan(saved.tokensBefore)
  })

  test('leaves out what is one token already', () => {
    const result = candidates('가 가 나', 'syllables', {
      count: 9,
      lengthOf: () => 3,
      isToken: (piece) => piece === '가',
    })
    expect(result).toEqual([{ text: '나', times: 1, tokens: 3 }])
  })
})

test('measures: characters and tokens by script, jamo, bytes', async () => {
  const inspector = await open(join(FIXTURES, 'byte_level'))
  const text = '<|im_start|>강 fox'
  const explained = inspector.explain(text, { addSpecialTokens: true, parseSpecial: true })
  expect(scriptMeasures(explained).map(({ script }) => script)).toEqual(
    expect.arrayContaining(['Hangul', 'Latin']),
  )
  expect(textMeasure(explained, text)).toMatchObject({ characters: 17, unknown: 0 })
  expect(jamoOf('강ab쌀밟')).toBe('ㄱ ㅏ ㅇ · ㅆ ㅏ ㄹ · ㅂ ㅏ ㄼ')
  expect(jamoOf('fox')).toBeNull()
  expect(hexOf([0, 175])).toBe('00 AF')
  expect(readablePiece('Ġ', true)).toBe('·')
  expect(readablePiece('ê°', true)).toBe('EA B0')
  expect(readablePiece('▁a', false)).toBe('▁a')
})

describe.skipIf(WITHOUT_SHARED)(`published tokenizers ${WITHOUT_SHARED}`, () => {
  const root = join(SHARED, 'tokenizers')
  const names = existsSync(root) ? readdirSync(root) : []
  const TEXT = '안녕하세요, Hello world! 한국어 <s> </s> 2026 ½ 👨‍👩‍👧 naïve'
  test.each(names)('%s', async (name) => {
    const inspector = await open(join(root, name))
    expect(sectionIds(inspector.explain(TEXT, BARE)).length).toBeGreaterThanOrEqual(
      inspector.encode(TEXT, BARE).length,
    )
  })
})
