import { GPT2_REGEX, QWEN2_REGEX } from './knownRegexes.ts'
import { parseJsonFile } from './tokenizerFile.ts'
import { refuse, type JsonRecord } from './parts.ts'

const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }

function split(pattern: string): JsonRecord {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
}

/** What a class of Transformers puts around its vocabulary: how text is cut and what is added. */
interface Recipe {
  pattern: string
  normalizer: JsonRecord | null
  /** Tokens the class knows without being told. */
  special: readonly string[]
  roberta: boolean
}

const GPT2: Recipe = { pattern: GPT2_REGEX, normalizer: null, special: ['<|endoftext|>'], roberta: false }
const QWEN2: Recipe = {
  pattern: QWEN2_REGEX,
  normalizer: { type: 'NFC' },
  special: ['<|endoftext|>'],
  roberta: false,
}
const ROBERTA: Recipe = {
  pattern: GPT2_REGEX,
  normalizer: null,
  special: ['<s>', '</s>', '<pad>', '<unk>', '<mask>'],
  roberta: true,
}
const RECIPES: Readonly<Record<string, Recipe>> = {
  GPT2Tokenizer: GPT2,
  CodeGenTokenizer: GPT2,
  GPTNeoXTokenizer: GPT2,
  Qwen2Tokenizer: QWEN2,
  RobertaTokenizer: ROBERTA,
  BartTokenizer: ROBERTA,
}

function readMerges(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/)
  return lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')))
}

function robertaProcessor(vocab: JsonRecord, prefix: boolean): JsonRecord {
  return {
    type: 'RobertaProcessing',
    cls: ['<s>', vocab['<s>']],
    sep: ['</s>', vocab['</s>']],
    add_prefix_space: prefix,
    trim_offsets: true,
  }
}

/**
 * A tokenizer.json from `vocab.json` and `merges.txt`, as Transformers builds one for the class that
 * tokenizer_config.json names; GPT-2's without a name. Throws `bad-file`, and `unsupported` for other classes.
 */
export function tokenizerFromVocabulary(
  vocabulary: Uint8Array,
  merges: Uint8Array,
  config: JsonRecord,
): JsonRecord {
  const name = config['tokenizer_class'] ?? 'GPT2Tokenizer'
  const recipe = typeof name === 'string' ? RECIPES[name.replace(/Fast$/, '')] : undefined
  if (recipe === undefined) {
    return refuse('tokenizer_class', name, Object.keys(RECIPES).join(', '), {
      file: 'tokenizer_config.json',
      code: 'unsupported',
    })
  }
  const vocab = parseJsonFile(vocabulary, 'vocab.json')
  const prefix = config['add_prefix_space'] === true
  const added_tokens = recipe.special
    .filter((token) => Object.hasOwn(vocab, token))
    .map((content) => ({ id: vocab[content], content, special: true, normalized: false }))
  return {
    added_tokens,
    normalizer: recipe.normalizer,
    pre_tokenizer: prefix
      ? { ...BYTES, add_prefix_space: true, use_regex: true }
      : { type: 'Sequence', pretokenizers: [split(recipe.pattern), BYTES] },
    post_processor: recipe.roberta ? robertaProcessor(vocab, prefix) : BYTES,
    decoder: BYTES,
    model: { type: 'BPE', vocab, merges: readMerges(merges) },
  }
}
