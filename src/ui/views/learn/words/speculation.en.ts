/** Speculative decoding. */
export const speculationEn = {
  'speculation.title': 'Speculative decoding',
  'speculation.about': 'A cheap draft model proposes, the model checks several tokens in one forward.',
  'speculation.draft':
    'A forward over a few tokens reads the weights only once. So a cheap draft model proposes the next tokens, and the model checks all of them together. Here the draft model is the model’s own first layers.',
  'speculation.start':
    'The model keeps proposals by a rule that leaves its own distribution unchanged: the text is the one it could have written alone.',
  'speculation.start.task': 'Let it write.',
  'speculation.rounds':
    'A column is a round: above what was proposed, below what became text. At the first refusal a token of the model stands in, and the proposals behind it are dropped. {rounds} rounds gave {roundTokens} tokens.',
  'speculation.figures':
    'More than one token for each forward is the gain, the time of the draft model is the price. Of the proposals, {accepted} were kept here.',
  'speculation.figures.task': 'Measure the plain speed as well, and compare.',
} as const
