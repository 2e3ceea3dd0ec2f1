/**
 * How text is cut before merging, by the name a GGUF file gives it (`tokenizer.ggml.pre`). The file holds only the name;
 * the patterns are those of the tokenizer.json the name stands for.
 */
export interface GgufPreTokenizer {
  names: readonly string[]
  /** Patterns that cut one after the other, each match a piece of its own. */
  splits: readonly string[]
  /** A word that is a token is not built up by merges. */
  ignoreMerges?: true
  /** The text is brought to NFC first. */
  nfc?: true
  /** A BOS goes before the text where the file does not say. */
  addBos?: true
}

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const LEAD = String.raw`[^\r\n\p{L}\p{N}]?`
const TAIL = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`
const MARKS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`
const MARKS_OR_SLASH = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`
const LOWER_RUN = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const UPPER_RUN = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`

const LLAMA3 = String.raw`${CONTRACTIONS}|${LEAD}\p{L}+|\p{N}{1,3}|${MARKS}|${TAIL}`
const QWEN2 = String.raw`${CONTRACTIONS}|${LEAD}\p{L}+|\p{N}|${MARKS}|${TAIL}`
const GPT4O = String.raw`${LEAD}${UPPER_RUN}*${LOWER_RUN}+${CONTRACTIONS}?|${LEAD}${UPPER_RUN}+${LOWER_RUN}*${CONTRACTIONS}?|\p{N}{1,3}|${MARKS_OR_SLASH}|${TAIL}`
const TEKKEN = String.raw`${LEAD}${UPPER_RUN}*${LOWER_RUN}+|${LEAD}${UPPER_RUN}+${LOWER_RUN}*|\p{N}|${MARKS_OR_SLASH}|${TAIL}`
const DIGIT = String.raw`\p{N}`
const THREE_DIGITS = '[0-9][0-9][0-9]'
const IDEOGRAPHS = '[一-龥ࠀ-一가-퟿]+'
const BLOOM = String.raw` ?[^(\s|.,!?…。，、।۔،)]+`

/** DeepSeek LLM's letters, code points in hexadecimal: those with case, of the Unicode version it was made with. */
const CASED_RANGES =
  '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 ' +
  '388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba ' +
  '1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 ' +
  '1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec ' +
  '1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 ' +
  '213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b ' +
  'a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f ' +
  '104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943'

const CASED = CASED_RANGES.split(' ')
  .map((range) =>
    Array.from(range.split('-'), (point) => String.fromCodePoint(parseInt(point, 16))).join('-'),
  )
  .join('')
const MARKED_WORD = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${TAIL}`

/** Cut as GPT-2 cuts. */
const GPT2_NAMES =
  'gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat jina-es jina-de jina-v2-es jina-v2-de ' +
  'a.x-4.0 mellum modern-bert roberta-bpe'

export const GGUF_PRE_TOKENIZERS: readonly GgufPreTokenizer[] = [
  { names: ['default'], splits: [String.raw`[\p{P}\$\+<=>\^~\|]+`, GPT2, String.raw`\p{N}+`, THREE_DIGITS] },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    splits: [LLAMA3],
    ignoreMerges: true,
    addBos: true,
  },
  // Smaug and SmolLM3 have Llama 3's vocabulary.
  { names: ['smaug-bpe'], splits: [LLAMA3], ignoreMerges: true },
  { names: ['dbrx', 'glm4', 'chatglm-bpe'], splits: [LLAMA3] },
  { names: ['qwen2', 'deepseek-r1-qwen', 'megrez', 'kormo'], splits: [QWEN2], nfc: true },
  { names: ['stablelm2'], splits: [QWEN2] },
  {
    names: GPT2_NAMES.split(' '),
    splits: [GPT2],
  },
  {
    names: ['smollm', 'starcoder', 'refact', 'codeshell', 'exaone', 'minerva-7b'],
    splits: [DIGIT, GPT2],
  },
  { names: ['command-r'], splits: [DIGIT, GPT2], nfc: true },
  { names: ['falcon'], splits: [String.raw`[\p{P}\$\+<=>\^~\|${'`'}]+`, GPT2, THREE_DIGITS] },
  { names: ['gpt-4o', 'llama4'], splits: [GPT4O] },
  { names: ['tekken'], splits: [TEKKEN], ignoreMerges: true, addBos: true },
  {
    names: ['deepseek-llm'],
    splits: [
      String.raw`[\r\n]`,
      String.raw`\s?[${CASED}]+`,
      String.raw`\s?[!-/:-~！-／：-～‘-‟　-。]+`,
      String.raw`\s+$`,
      IDEOGRAPHS,
      String.raw`\p{N}+`,
    ],
  },
  {
    names: ['deepseek-coder'],
    splits: [String.raw`[\r\n]`, String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, IDEOGRAPHS, DIGIT],
  },
  {
    names: ['deepseek-v3', 'hunyuan-dense'],
    splits: [String.raw`\p{N}{1,3}`, '[一-龥぀-ゟ゠-ヿ]+', MARKED_WORD],
  },
  { names: ['bloom', 'poro-chat', 'gpt3-finnish'], splits: [BLOOM] },
  { names: ['viking'], splits: [BLOOM, DIGIT] },
]

/** Patterns of the list above: each takes linear time on any text. */
export const GGUF_REGEXES: ReadonlySet<string> = new Set(GGUF_PRE_TOKENIZERS.flatMap(({ splits }) => splits))
