/** Words of the view of masks. */
export const fillEn = {
  'fill.about':
    'An encoder reads a whole text at once, in both directions, and says what stood where a token is masked.',
  'fill.text': 'Text with masks',
  'fill.placeholder': 'The capital of France is {mask}.',
  'fill.run': 'Fill',
  'fill.insert': 'Insert {mask}',
  'fill.filling': 'Reading the text …',
  'fill.empty': 'Put a mask where a word is to be found; a text may have several.',
  'fill.noMask': 'The tokenizer of this model names no mask token.',
  'fill.hint':
    'Each mask is filled by itself, the others still masked. Choosing a candidate writes it into the text.',
  'fill.stale': 'The text has changed since: fill again.',
  'fill.mask': 'Mask {number} · position {position}',
} as const
