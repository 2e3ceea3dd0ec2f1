import { byteDetokenizer, textDetokenizer, type Detokenizer } from '../detokenizer.ts'
import { buildLibrary, createDecoder, wellFormed } from '../encoder.ts'
import type { JsonRecord, PipelinePart } from '../parts.ts'
import { createByteTable } from '../tokenBytes.ts'
import { tokenizerContent, type TokenizerFiles } from '../tokenizer.ts'
import { parseJsonFile, readTokenizer, type ReadTokenizer } from '../tokenizerFile.ts'
import { candidates, MAX_ADDED } from './candidates.ts'
import type {
  Explained,
  ExplainedToken,
  ExplainOptions,
  TokenizerFacts,
  WhatIf,
  WhatIfRequest,
  WordWork,
} from './types.ts'
import { libraryOf, walkText } from './walk.ts'
import { wordWork } from './words.ts'

const PLAIN = { add_special_tokens: false }
const BARE = { addSpecialTokens: false, parseSpecial: true }

/** Types of a pipeline's steps, sequences unfolded. */
function namesOf(part: PipelinePart, list: string): string[] {
  if (part === null) return []
  return part.type === 'Sequence'
    ? (part[list] as PipelinePart[]).flatMap((one) => namesOf(one, list))
    : [part.type]
}

/** A tokenizer taken apart: what it makes of a text, step by step, and what it would make of it with more tokens. */
export class TokenizerInspector {
  readonly facts: TokenizerFacts
  readonly #read: ReadTokenizer
  readonly #library: ReturnType<typeof buildLibrary>
  readonly #bytes: (id: number) => Uint8Array
  readonly #start: () => Detokenizer

  /** Throws `bad-file` or `unsupported` as `loadTokenizer` does. */
  static async open(files: TokenizerFiles): Promise<TokenizerInspector> {
    const optional = (bytes: Uint8Array | undefined, name: string): JsonRecord =>
      bytes ? parseJsonFile(bytes, name) : {}
    const config = optional(files.tokenizerConfig, 'tokenizer_config.json')
    const specialTokensMap = optional(files.specialTokensMap, 'special_tokens_map.json')
    return new TokenizerInspector(
      readTokenizer(await tokenizerContent(files, config), { config, specialTokensMap }),
    )
  }

  constructor(read: ReadTokenizer) {
    const { file, tokens, added, warnings } = read
    this.#read = read
    this.#library = buildLibrary(file)
    const table = createByteTable(read)
    if (table !== null) {
      this.#bytes = (id) => table.bytes(id)
      this.#start = () => byteDetokenizer(table, true)
    } else {
      const decode = createDecoder(file)
      const decodeKnown = (ids: readonly number[]) => decode(ids.filter((id) => tokens[id] !== undefined))
      this.#bytes = (id) => new TextEncoder().encode(decodeKnown([id]))
      this.#start = () => textDetokenizer(decodeKnown, [])
    }
    this.facts = {
      type: file.model.type,
      size: tokens.reduce((count, token) => (token === undefined ? count : count + 1), 0),
      byteLevel: namesOf(file.pre_tokenizer, 'pretokenizers').includes('ByteLevel'),
      normalizer: namesOf(file.normalizer, 'normalizers'),
      preTokenizer: namesOf(file.pre_tokenizer, 'pretokenizers'),
      added: [...added.values()]
        .sort((a, b) => a.id - b.id)
        .map(({ id, content, special }) => ({ id, content, special })),
      warnings,
    }
  }

  encode(text: string, { addSpecialTokens, parseSpecial }: ExplainOptions): number[] {
    const { full, plain } = this.#library
    return (parseSpecial ? full : plain).encode(wellFormed(text), { add_special_tokens: addSpecialTokens })
  }

  explain(text: string, options: ExplainOptions): Explained {
    const { full, plain } = this.#library
    const tokenizer = options.parseSpecial ? full : plain
    const input = wellFormed(text)
    const ids = this.encode(text, options)
    const body = tokenizer.encode(input, PLAIN)
    const prefixLength = placeOf(ids, body)
    return {
      tokens: this.#tokens(ids, (at) => at < prefixLength || at >= prefixLength + body.length),
      sections: walkText(tokenizer, this.#read.file.normalizer, input),
    }
  }

  /** How a word, as {@link explain} gives it, became pieces. */
  work(word: string, { parseSpecial }: Pick<ExplainOptions, 'parseSpecial'>): WordWork {
    const { model } = libraryOf(parseSpecial ? this.#library.full : this.#library.plain)
    const { type, unk_token: unknown, byte_fallback: fallback } = this.#read.file.model
    return wordWork(model, type, word, typeof unknown !== 'string' && fallback !== true)
  }

  /** The tokenizer with more tokens, and what they save; see {@link WhatIfRequest}. */
  whatIf({ corpus, unit, count, normalized }: WhatIfRequest): {
    inspector: TokenizerInspector
    saved: WhatIf
  } {
    const text = wellFormed(corpus)
    const lengthOf = (piece: string): number => this.encode(piece, BARE).length
    const isToken = (piece: string): boolean => {
      const bytes = new TextEncoder().encode(piece).join()
      return (
        this.#read.ids.has(piece) || this.encode(piece, BARE).some((id) => this.#bytes(id).join() === bytes)
      )
    }
    const chosen = candidates(text, unit, { count: Math.min(count, MAX_ADDED), lengthOf, isToken })
    const inspector = this.extended(
      chosen.map((one) => one.text),
      normalized,
    )
    const next = this.#read.tokens.length
    return {
      inspector,
      saved: {
        added: chosen.map((one, at) => ({ id: next + at, ...one })),
        ...this.#counted(text, inspector),
        characters: [...text].length,
      },
    }
  }

  #counted(text: string, inspector: TokenizerInspector): Omit<WhatIf, 'added' | 'characters'> {
    const [idsBefore, idsAfter] = [this, inspector].map((one) => one.encode(text, BARE)) as [
      number[],
      number[],
    ]
    const unknown = libraryOf(this.#library.full).model.unk_token_id
    const unknownIn = (ids: readonly number[]): number => ids.filter((id) => id === unknown).length
    return {
      tokensBefore: idsBefore.length,
      tokensAfter: idsAfter.length,
      unknownBefore: unknownIn(idsBefore),
      unknownAfter: unknownIn(idsAfter),
    }
  }

  /** With tokens behind the last id, looked for in texts before anything else: as `add_tokens` of Transformers adds them. */
  extended(texts: readonly string[], normalized: boolean): TokenizerInspector {
    const { file, ids, tokens, added } = this.#read
    const flags = { special: false, single_word: false, lstrip: false, rstrip: false, normalized }
    const more = texts.map((content, at) => ({ ...flags, id: tokens.length + at, content }))
    return new TokenizerInspector({
      ...this.#read,
      file: { ...file, added_tokens: [...file.added_tokens, ...more] },
      ids: new Map([...ids, ...more.map(({ content, id }) => [content, id] as const)]),
      tokens: [...tokens, ...texts],
      added: new Map([...added, ...more.map((token) => [token.id, token] as const)]),
    })
  }

  #tokens(ids: readonly number[], isTemplate: (at: number) => boolean): ExplainedToken[] {
    const { tokens, added } = this.#read
    const detokenizer = this.#start()
    const shown = ids.map((id, at): ExplainedToken => {
      const special = added.get(id)?.special === true
      return {
        id,
        piece: tokens[id] ?? '',
        text: special ? '' : detokenizer.push(id),
        bytes: special ? [] : [...this.#bytes(id)],
        special,
        template: isTemplate(at),
      }
    })
    const rest = detokenizer.flush()
    const last = shown.findLast(({ special }) => !special)
    if (last !== undefined) last.text += rest
    return shown
  }
}

/** Where a run of ids stands in a longer one; 0 when it stands nowhere. */
function placeOf(ids: readonly number[], run: readonly number[]): number {
  for (let at = 0; at + run.length <= ids.length; at++) {
    if (run.every((id, i) => ids[at + i] === id)) return at
  }
  return 0
}
