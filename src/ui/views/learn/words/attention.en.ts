/** Attention, and the cache of keys and values. */
export const attentionLessonEn = {
  'attention.title': 'Attention and the KV cache',
  'attention.about': 'How a token looks back at earlier ones, and why nothing is computed twice.',
  'attention.heads':
    'So far every token has stood alone. Attention lets it look back. This model has {layers} layers of {heads} heads, {allHeads} in all. Each picture is one head over this text: a line for every token, dark where it looks.',
  'attention.matrix':
    'One head in full: layer {headLayer}, head {headNumber}. Downwards the tokens that look, the queries; across those they look at, the keys. A row adds up to 1, and above the diagonal it is empty: no token sees what comes after it. This head spends {headFirst} of its weight on the first token.',
  'attention.row':
    'One cell of the picture in words: who looks at whom, and with how much weight. Point at other cells, or move with the arrow keys.',
  'attention.previous':
    'Heads have habits. The letters name what a head measurably does on this text: P looks at the token before, F at the first, S at the same token, I at what followed that token last time.',
  'attention.previous.task':
    'Find the head that looks most at the token before. The one chosen now gives it {headPrevious} of its weight.',
  'attention.scores':
    'A weight begins as a product. The query of one token and the key of another, {headDim} numbers each, are multiplied pair by pair, added up and divided by √{headDim}. Here is that sum in the head you have chosen, layer {headLayer}, head {headNumber}, for the token it looks at most; softmax then turns a row of scores into weights.',
  'attention.values':
    'The weights blend the values: a head takes the value rows of the tokens it looks at, each times its weight, and adds them up. That is how a token comes to hold something of an earlier one.',
  'attention.cache':
    'The keys and values of a token depend only on what stands before it, so they stay the same while the text grows, and are kept. A prefill writes a prompt into this cache, many positions at a time, or takes over what an earlier run has left there; after that each step of decoding adds one. The list says which it was.',
  'attention.price':
    'Keeping them takes memory: {bytesPerPosition} for every position of a text in this model, about {bytesOfText} for this one. In return a new token costs one row instead of the whole text.',
  'attention.continue':
    'See for yourself: Continue writes on behind this text, whose keys and values are still in the cache.',
  'attention.continue.task': 'Continue the text.',
  'attention.reused':
    'The last run took over {reused} positions from the cache and read {prefillRows} before it wrote; behind Continue nearly all are taken over. The list tells which run wrote which positions.',
} as const
