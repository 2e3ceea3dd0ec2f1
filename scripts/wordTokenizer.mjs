const SPECIAL = ['[PAD]', '[MASK]', '[CLS]', '[SEP]', '[UNK]']

/**
 * A tokenizer of whole words for tiny models, as its two files: special tokens are ids 0 to 4, `words[0]` is id 5.
 * @param {readonly string[]} words
 * @param {string} mask how the mask is written
 * @returns {{ 'tokenizer.json': object, 'tokenizer_config.json': object }}
 */
export function wordTokenizer(words, mask = '[MASK]') {
  const special = SPECIAL.map((word) => (word === '[MASK]' ? mask : word))
  const vocab = Object.fromEntries([...special, ...words].map((word, id) => [word, id]))
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const text = (id, type) => ({ Sequence: { id, type_id: type } })
  const own = (id) => ({ SpecialToken: { id, type_id: 0 } })
  const tokenizer = {
    version: '1.0',
    added_tokens: special.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [own('[CLS]'), text('A', 0), own('[SEP]')],
      pair: [text('A', 0), text('B', 1)],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  }
  return { 'tokenizer.json': tokenizer, 'tokenizer_config.json': { mask_token: mask } }
}
