/** The embedding. */
export const embeddingEn = {
  'embedding.title': 'Embedding',
  'embedding.about': 'The table that gives every token its numbers, and is used a second time at the end.',
  'embedding.row':
    'The embedding is a table: {hidden} values for each of {vocab} tokens. “{token}” has number {tokenId}, and row {tokenId} of the table stands here at position {position}.',
  'embedding.same':
    'A token has the same row wherever it stands. At this step the model knows nothing yet about neighbours or order.',
  'embedding.same.task': 'Choose a token that stands in the text more than once, and compare its rows.',
  'embedding.head':
    'This model uses the table twice. At the end it multiplies the row of a position with the table row of every token and adds up the products: the logits. A token whose row points the same way gets a high one.',
} as const
