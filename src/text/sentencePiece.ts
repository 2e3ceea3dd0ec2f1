import { isObject, refuse, type JsonRecord } from './parts.ts'
import { fieldsOf, type FieldValue } from './protobuf.ts'

const FILE = 'tokenizer.model'

/** Kinds of pieces, as sentencepiece_model.proto numbers them. */
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4

interface Piece {
  text: string
  score: number
  kind: number
}

interface SentencePieceModel {
  pieces: Piece[]
  kind: 'unigram' | 'bpe'
  byteFallback: boolean
  charsmap: Uint8Array
  dummyPrefix: boolean
  removeExtraSpaces: boolean
}

const message = (value: FieldValue): Uint8Array => (typeof value === 'number' ? new Uint8Array() : value)

function readPiece(bytes: Uint8Array): Piece {
  const piece: Piece = { text: '', score: 0, kind: 1 }
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) piece.text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(message(value))
    else if (field === 2) {
      const four = message(value)
      piece.score = new DataView(four.buffer, four.byteOffset).getFloat32(0, true)
    } else if (field === 3) piece.kind = Number(value)
  }
  return piece
}

function readTrainer(model: SentencePieceModel, bytes: Uint8Array): void {
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 35) model.byteFallback = value === 1
    if (field === 24 && value === 1)
      refuse('treat_whitespace_as_suffix', true, 'false', { file: FILE, code: 'unsupported' })
    if (field !== 3) continue
    const kind = ({ 1: 'unigram', 2: 'bpe' } as const)[Number(value)]
    if (kind === undefined) refuse('model_type', value, 'unigram or bpe', { file: FILE, code: 'unsupported' })
    else model.kind = kind
  }
}

function readNormalizer(model: SentencePieceModel, bytes: Uint8Array): void {
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 2) model.charsmap = message(value)
    else if (field === 3) model.dummyPrefix = value === 1
    else if (field === 4) model.removeExtraSpaces = value === 1
    else if (field === 5 && value === 0)
      refuse('escape_whitespaces', false, 'true', { file: FILE, code: 'unsupported' })
  }
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    pieces: [],
    kind: 'unigram',
    byteFallback: false,
    charsmap: new Uint8Array(),
    dummyPrefix: true,
    removeExtraSpaces: true,
  }
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) model.pieces.push(readPiece(message(value)))
    else if (field === 2) readTrainer(model, message(value))
    else if (field === 3) readNormalizer(model, message(value))
  }
  if (model.pieces.length === 0) refuse('pieces', 'none', 'a vocabulary', { file: FILE })
  return model
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/**
 * The merges a BPE model's scores stand for: SentencePiece joins the pair whose whole has the best score, wherever both
 * halves are pieces. Among equal scores, longer halves come first.
 */
export function mergesFromScores(pieces: readonly { text: string; score: number }[]): [string, string][] {
  const ids = new Map(pieces.map(({ text }, id) => [text, id]))
  const merges: { left: string; right: string; score: number }[] = []
  for (const { text, score } of pieces) {
    const all = [...text]
    const halves = all
      .slice(1)
      .map((_, i) => [all.slice(0, i + 1).join(''), all.slice(i + 1).join('')] as const)
    const inVocabulary = halves.filter(([left, right]) => ids.has(left) && ids.has(right))
    inVocabulary.sort(
      ([a, b], [c, d]) => (ids.get(a) ?? 0) - (ids.get(c) ?? 0) || (ids.get(b) ?? 0) - (ids.get(d) ?? 0),
    )
    merges.push(...inVocabulary.map(([left, right]) => ({ left, right, score })))
  }
  merges.sort(
    (a, b) =>
      b.score - a.score ||
      [...b.left].length - [...a.left].length ||
      [...b.right].length - [...a.right].length,
  )
  return merges.map(({ left, right }) => [left, right])
}

function modelPart({ pieces, kind, byteFallback }: SentencePieceModel): JsonRecord {
  const unknown = pieces.findIndex((piece) => piece.kind === UNKNOWN)
  if (unknown < 0) refuse('pieces', 'without an unknown piece', 'one', { file: FILE })
  if (kind === 'unigram') {
    const vocab = pieces.map(({ text, score }) => [text, score])
    return { type: 'Unigram', vocab, unk_id: unknown, byte_fallback: byteFallback }
  }
  const joinable = pieces.filter(({ kind: type }) => type !== UNKNOWN && type !== CONTROL)
  return {
    type: 'BPE',
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges: mergesFromScores(joinable),
    unk_token: pieces[unknown]?.text,
    fuse_unk: true,
    // A symbol of the user's is a piece that no merge leads to.
    ignore_merges: pieces.some((piece) => piece.kind === USER_DEFINED),
    byte_fallback: byteFallback,
  }
}

function normalizerPart({ charsmap, removeExtraSpaces, dummyPrefix }: SentencePieceModel): JsonRecord {
  const normalizers: JsonRecord[] = []
  if (charsmap.length > 0) normalizers.push({ type: 'Precompiled', precompiled_charsmap: base64(charsmap) })
  if (removeExtraSpaces) {
    normalizers.push({ type: 'Strip', strip_left: true, strip_right: true })
    normalizers.push({ type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' })
  }
  if (dummyPrefix) normalizers.push({ type: 'Prepend', prepend: '▁' })
  normalizers.push({ type: 'Replace', pattern: { String: ' ' }, content: '▁' })
  return { type: 'Sequence', normalizers }
}

/** Symbols of the user's stand alone wherever they occur in the normalised text; the longest come first. */
function symbolSplits(pieces: readonly Piece[]): JsonRecord | null {
  const symbols = pieces.filter(({ kind }) => kind === USER_DEFINED).map(({ text }) => text)
  if (symbols.length === 0) return null
  const splits = symbols
    .toSorted((a, b) => b.length - a.length)
    .map((text) => {
      return { type: 'Split', pattern: { String: text }, behavior: 'Isolated', invert: false }
    })
  return { type: 'Sequence', pretokenizers: splits }
}

/** Classes of Transformers that end every text, and those that begin it. */
const ENDING = /^(T5|MT5|UMT5|Pegasus|Albert|XLNet|Camembert|XLMRoberta)/
const BEGINNING = /^(Llama|Gemma|CodeLlama|Camembert|XLMRoberta)/

function postProcessor(pieces: readonly Piece[], config: JsonRecord): JsonRecord | null {
  const name = typeof config['tokenizer_class'] === 'string' ? config['tokenizer_class'] : ''
  const control = (spelling: string): string | null =>
    pieces.some(({ text, kind }) => text === spelling && kind === CONTROL) ? spelling : null
  const token = (role: string, fallback: string): string | null => {
    const value = config[role]
    const spelling = isObject(value) ? value['content'] : value
    return typeof spelling === 'string' ? spelling : control(fallback)
  }
  const bos = BEGINNING.test(name) || name === '' ? token('bos_token', '<s>') : null
  const eos = ENDING.test(name) ? token('eos_token', '</s>') : null
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const single = [
    ...(bos === null ? [] : [special(bos)]),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(eos === null ? [] : [special(eos)]),
  ]
  return { type: 'TemplateProcessing', single, pair: [] }
}

/**
 * A tokenizer.json from a SentencePiece model, Unigram or BPE. Text comes out as the model's own library cuts it.
 * A BOS is added for Llama's and Gemma's classes and where tokenizer_config.json names no class, an EOS for T5's kin;
 * `add_bos_token` and `add_eos_token` there say otherwise. Throws `bad-file` or `unsupported`.
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, config: JsonRecord): JsonRecord {
  const model = readModel(bytes)
  const { pieces, dummyPrefix } = model
  const special = pieces.flatMap(({ text, kind }, id) => {
    return kind === UNKNOWN || kind === CONTROL
      ? [{ id, content: text, special: true, normalized: false }]
      : []
  })
  const space = { type: 'Replace', pattern: { String: '▁' }, content: ' ' }
  const strip = dummyPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []
  return {
    added_tokens: special,
    normalizer: normalizerPart(model),
    pre_tokenizer: symbolSplits(pieces),
    post_processor: postProcessor(pieces, config),
    decoder: { type: 'Sequence', decoders: [space, { type: 'ByteFallback' }, { type: 'Fuse' }, ...strip] },
    model: modelPart(model),
  }
}
