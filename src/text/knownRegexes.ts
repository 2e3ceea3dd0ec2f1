import { GGUF_REGEXES } from './ggufPreTokenizers.ts'

/** How GPT-2 cuts text before merging; also what a `ByteLevel` pre-tokenizer does by itself. */
export const GPT2_REGEX = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const LOWER_RUN = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const UPPER_RUN = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const LINE_TAIL = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`
const MARKS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`
const MARKS_OR_SLASH = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`
const LEAD = String.raw`[^\r\n\p{L}\p{N}]?`

/** How Qwen2, Qwen2.5 and Qwen3 cut text. */
export const QWEN2_REGEX = String.raw`${CONTRACTIONS}|${LEAD}\p{L}+|\p{N}|${MARKS}|${LINE_TAIL}`

/**
 * Patterns of published tokenizers, known to take linear time on any text. A tokenizer.json whose every pattern is
 * here runs in the engine's own thread; any other is foreign and runs in the sandbox, where it can be stopped.
 */
export const KNOWN_REGEXES: ReadonlySet<string> = new Set([
  ...GGUF_REGEXES,
  GPT2_REGEX,
  // Llama 3
  String.raw`${CONTRACTIONS}|${LEAD}\p{L}+|\p{N}{1,3}|${MARKS}|${LINE_TAIL}`,
  QWEN2_REGEX,
  // SmolLM3, StableLM 2 and other cl100k relatives
  String.raw`(?i:[sdmt]|ll|ve|re)|${LEAD}\p{L}+|\p{N}{1,3}|${MARKS}|${LINE_TAIL}`,
  // GPT-4o and gpt-oss
  String.raw`${LEAD}${UPPER_RUN}*${LOWER_RUN}+${CONTRACTIONS}?|${LEAD}${UPPER_RUN}+${LOWER_RUN}*${CONTRACTIONS}?|\p{N}{1,3}|${MARKS_OR_SLASH}|${LINE_TAIL}`,
  // Mistral NeMo and later
  String.raw`${LEAD}${UPPER_RUN}*${LOWER_RUN}+|${LEAD}${UPPER_RUN}+${LOWER_RUN}*|\p{N}|${MARKS_OR_SLASH}|${LINE_TAIL}`,
  // DeepSeek
  String.raw`\p{N}{1,3}`,
  String.raw`[一-龥぀-ゟ゠-ヿ]+`,
  // digits in threes (Falcon), single digits
  '[0-9][0-9][0-9]',
  String.raw`\d`,
  String.raw`\p{N}`,
  String.raw`\d{1,3}`,
  // white space runs in normalizers of SentencePiece conversions
  ' {2,}',
  String.raw`\s+`,
])
