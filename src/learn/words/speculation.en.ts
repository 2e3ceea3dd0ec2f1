/** Speculative decoding. */
export const speculationEn = {
  'speculation.title': 'Speculative decoding',
  'speculation.about': 'A cheap guide proposes, the model checks several tokens in one forward.',
  'speculation.guide':
    'A forward over a few tokens reads the weights only once. So a cheap guide proposes the next tokens, and the model checks all of them together. Here the guide is the model’s own first layers.',
  'speculation.start':
    'The model keeps proposals by a rule that leaves its own distribution unchanged: the text is the one it could have written alone.',
  'speculation.start.task': 'Let it write.',
  'speculation.lanes':
    'A column is a round: above what the guide proposed, below what became text. At the first refusal a token of the model stands in, and the proposals behind it are dropped. {rounds} rounds gave {roundTokens} tokens.',
  'speculation.figures':
    'More than one token for each forward is the gain, the time of the guide is the price. Of the proposals, {accepted} were kept here.',
  'speculation.figures.task': 'Measure the plain speed as well, and compare.',
} as const
