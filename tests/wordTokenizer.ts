import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const MODELS = join(import.meta.dirname, 'fixtures/models')

/** A tiny encoder with a tokenizer of words: `w3` is id 8. */
export function encoderFiles(name: string, mask: string): Map<string, Uint8Array> {
  const special = ['[PAD]', mask, '[CLS]', '[SEP]', '[UNK]']
  const words = Array.from({ length: 60 }, (_, i) => `w${i}`)
  const vocab = Object.fromEntries([...special, ...words].map((word, id) => [word, id]))
  const added = special.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))
  const tokenizer = {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  }
  const files = new Map<string, Uint8Array>([
    ['tokenizer.json', new TextEncoder().encode(JSON.stringify(tokenizer))],
    ['tokenizer_config.json', new TextEncoder().encode(JSON.stringify({ mask_token: mask }))],
  ])
  for (const file of ['config.json', 'model.safetensors'])
    files.set(file, new Uint8Array(readFileSync(join(MODELS, name, file))))
  return files
}
