/** Tokens. */
export const tokensEn = {
  'tokens.title': 'Tokens',
  'tokens.about': 'What a text is cut into before the model reads it, in English and in Korean.',
  'tokens.list':
    'The model reads no letters. A text is cut into tokens from a list of {vocab} that was fixed before training, and each goes in as its number, which stands below it. Words that are frequent in this model’s stories are one token, with the space in front of them.',
  'tokens.order':
    'The cutting has an order: the text is normalised, split into words, and in every word neighbouring pieces are merged for as long as the list has the merged one. Choose a word to see its merges.',
  'tokens.korean':
    'A Korean syllable is three bytes in UTF-8. One that is on the list is a token; one that is not comes as its bytes, and two or three tokens make a single character. Their numbers stand under it side by side.',
  'tokens.price':
    'So the same said in Korean takes more tokens here: more steps to write it, and more of the context. A token in the middle of a syllable has no text of its own; the page names it by its part or its byte.',
  'tokens.own':
    'Write a sentence of your own in both languages and compare the tokens for each character. Below is what more tokens in the list would save.',
} as const
