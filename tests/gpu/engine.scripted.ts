import { bytesOf, safetensorsFile } from '../formats/build.ts'

/**
 * A real Llama checkpoint whose layers do nothing and whose head maps each token to a chosen next one, so that a test knows
 * beforehand what it writes. The text is cut into pieces of two bytes or more, each a token of its own: characters of several
 * bytes come in parts.
 */
export interface Scripted {
  files: Map<string, Uint8Array>
  /** Ids of the text, in order; after the last comes {@link END}. */
  script: number[]
  vocab: number
}

export const BEGIN = 0
export const END = 1
const SPECIAL = ['<|begin|>', '<|end|>', '<|im_start|>', '<|im_end|>']
const BYTES = SPECIAL.length
const FIRST_PIECE = BYTES + 256
/** The chosen token's logit; all others have 0. */
const LOGIT = 20
const HEAD = 8

export interface ScriptOptions {
  layers?: number
  /** Puts one value into a tensor, e.g. NaN. */
  damage?: { tensor: string; value: number }
  chatTemplate?: string
  context?: number
  /** A special token that is written behind so many pieces of the text. */
  special?: { behind: number; id: number }
}

const CHAT =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}{{ '<|im_start|>assistant\n' }}"

/** The first tokens of any kind lead into the text; its last piece leads to the end. */
export function scriptedModel(text: string, options: ScriptOptions = {}): Scripted {
  const { layers = 1, damage, chatTemplate = CHAT, context = 256 } = options
  const pieces = cut(new TextEncoder().encode(text))
  const script = pieces.map((_, i) => FIRST_PIECE + i)
  if (options.special) script.splice(options.special.behind, 0, options.special.id)
  const vocab = FIRST_PIECE + pieces.length
  const hidden = Math.ceil(vocab / 4) * 4
  // What is not written leads to the beginning.
  const next = (id: number): number => script[script.indexOf(id) + 1] ?? END
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>()
  const add = (name: string, shape: number[], value = 0): Float32Array => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value)
    tensors.set(name, { shape, data })
    return data
  }
  const embed = add('model.embed_tokens.weight', [vocab, hidden])
  const head = add('lm_head.weight', [vocab, hidden])
  for (let id = 0; id < vocab; id++) {
    embed[id * hidden + id] = 1
    head[next(id) * hidden + id] = LOGIT / Math.sqrt(hidden)
  }
  for (let n = 0; n < layers; n++) addLayer(add, n, hidden)
  add('model.norm.weight', [hidden], 1)
  if (damage) tensors.get(damage.tensor)?.data.fill(damage.value, 0, 1)
  const files = new Map([
    ['config.json', bytesOf(JSON.stringify(config(vocab, hidden, layers, context)))],
    ['model.safetensors', writeTensors(tensors)],
    ['tokenizer.json', bytesOf(JSON.stringify(tokenizer(pieces)))],
    [
      'tokenizer_config.json',
      bytesOf(
        JSON.stringify({ bos_token: SPECIAL[BEGIN], eos_token: SPECIAL[END], chat_template: chatTemplate }),
      ),
    ],
  ])
  return { files, script, vocab }
}

type Add = (name: string, shape: number[], value?: number) => Float32Array

function addLayer(add: Add, n: number, hidden: number): void {
  const at = `model.layers.${n}`
  add(`${at}.input_layernorm.weight`, [hidden], 1)
  for (const name of ['q', 'k', 'v']) add(`${at}.self_attn.${name}_proj.weight`, [HEAD, hidden])
  add(`${at}.self_attn.o_proj.weight`, [hidden, HEAD])
  add(`${at}.post_attention_layernorm.weight`, [hidden], 1)
  for (const name of ['gate', 'up']) add(`${at}.mlp.${name}_proj.weight`, [HEAD, hidden])
  add(`${at}.mlp.down_proj.weight`, [hidden, HEAD])
}

function config(vocab: number, hidden: number, layers: number, context: number): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: HEAD,
    num_hidden_layers: layers,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: HEAD,
    vocab_size: vocab,
    max_position_embeddings: context,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    hidden_act: 'silu',
    tie_word_embeddings: false,
    bos_token_id: BEGIN,
    eos_token_id: END,
    torch_dtype: 'float32',
  }
}

function writeTensors(tensors: Map<string, { shape: number[]; data: Float32Array }>): Uint8Array {
  const header: Record<string, object> = {}
  let at = 0
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] }
    at += data.byteLength
  }
  const body = new Uint8Array(at)
  at = 0
  for (const { data } of tensors.values()) {
    body.set(new Uint8Array(data.buffer), at)
    at += data.byteLength
  }
  const text = JSON.stringify(header)
  return safetensorsFile(text.padEnd(Math.ceil(text.length / 8) * 8), body)
}

/** Pieces of two bytes or more, no two alike. */
function cut(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  const seen = new Set<string>()
  for (let at = 0; at < bytes.length;) {
    let length = 2
    while (seen.has(bytes.slice(at, at + length).join(' ')) && at + length < bytes.length) length++
    if (bytes.length - at - length < 2) length = bytes.length - at
    const piece = bytes.slice(at, at + length)
    seen.add(piece.join(' '))
    pieces.push(piece)
    at += length
  }
  return pieces
}

/** How byte-level tokenizers spell bytes: printable ones as themselves, the others from U+0100 on. */
function spell(bytes: Uint8Array): string {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  const hidden = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable(byte))
  return Array.from(bytes, (byte) =>
    String.fromCodePoint(printable(byte) ? byte : 256 + hidden.indexOf(byte)),
  ).join('')
}

function tokenizer(pieces: readonly Uint8Array[]): object {
  const vocab: Record<string, number> = {}
  SPECIAL.forEach((content, id) => (vocab[content] = id))
  for (let byte = 0; byte < 256; byte++) vocab[spell(Uint8Array.of(byte))] = BYTES + byte
  pieces.forEach((piece, i) => (vocab[spell(piece)] = FIRST_PIECE + i))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: SPECIAL[BEGIN], type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { [SPECIAL[BEGIN]!]: { id: SPECIAL[BEGIN], ids: [BEGIN], tokens: [SPECIAL[BEGIN]] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [],
    },
  }
}
