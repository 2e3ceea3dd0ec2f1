/** Words of the precision view. */
export const precisionEn = {
  'precision.about':
    'What fewer bits cost on the text of this page: it is read once as this model is and once under other weights, or with keys and values kept otherwise, side by side, without adapters.',
  'precision.against': 'This model ({format}, keys and values {kv}) beside',
  'precision.own': 'its own files as {format}',
  'precision.same': 'the same weights',
  'precision.kv': 'with keys and values in',
  'precision.kvSame': 'the same',
  'precision.kvOf': 'K, V {format}',
  'precision.files': 'other files…',
  'precision.choose': 'Files of the same model in another format',
  'precision.run': 'Compare',
  'precision.cancel': 'Cancel',
  'precision.empty': 'Nothing is compared yet.',
  'precision.opening': 'The other side is opened …',
  'precision.loading': 'The other weights: {done} of {total}',
  'precision.comparing': '{done} of {total} tokens',
  'precision.done': '{total} tokens compared; the other side is freed again.',
  'precision.stopped': 'Stopped after {done} tokens.',
  'precision.model': 'This model',
  'precision.theOther': 'The other',
  'precision.truth': 'taken as the truth',
  'precision.gpuHint': 'It took {bytes} on the GPU while it was compared.',
  'precision.mean': 'KL a token, mean',
  'precision.worst': 'KL a token, largest',
  'precision.klHint':
    'How much the prediction behind a token says less of the finer one’s: 0 where both are the same.',
  'precision.parted': 'Another best token',
  'precision.partedHint':
    'Where the most probable next token is another one: greedy writing would part there.',
  'precision.partedOf': '{parted} of {total}',
  'precision.text': 'Along the text',
  'precision.tokens': 'Tokens by what is lost behind them',
  'precision.pick':
    'Choose a token to see what both say behind it. A wavy line: they would go on differently.',
  'precision.says': '{format} says {token}, {probability}',
  'precision.heat': 'By layer and part',
  'precision.heatOf': 'Errors',
  'precision.heat.own': 'of each matrix',
  'precision.heat.error': 'as they add up',
  'precision.note.own':
    'What each matrix costs by itself on this text: it is given what the finer model puts into it. Squared difference over squared size, as a power of ten. The largest want more bits.',
  'precision.note.error':
    'How far the output of every part is from the finer model’s on this text, with what all parts before have cost. Squared difference over squared size, as a power of ten.',
  'precision.table': 'Errors by layer and part',
  'precision.layer': 'layer',
} as const
