/**
 * How text is cut before merging, by the name a GGUF file gives it (`tokenizer.ggml.pre`). The file holds the name alone;
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

/** DeepSeek LLM's letters: those with case, of the Unicode version it was made with. */
const CASED = String.raw`\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+`
const MARKED_WORD = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${TAIL}`

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
    names: [
      ...['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'trillion', 'granite-docling', 'exaone4', 'gigachat'],
      ...[
        'jina-es',
        'jina-de',
        'jina-v2-es',
        'jina-v2-de',
        'a.x-4.0',
        'mellum',
        'modern-bert',
        'roberta-bpe',
      ],
    ],
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
      CASED,
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
