/** What a rank is. */
export const rankEn = {
  'rank.title': 'What a rank is',
  'rank.about': 'The change an adapter makes, taken apart into its directions.',
  'rank.factors':
    'An adapter is now beside the model: {adapterName}. To each of the {adapterModules} matrices it changes it adds ΔW = (α / r)·B·A, a product of two thin ones. Their width r is the rank, here {adapterRank}. A and B together are {adapterNumbers} numbers; the matrices they change have {adapterChanged}.',
  'rank.delta':
    'ΔW is as large as the matrix W it is added to, but small in size: each cell says how long it is, measured by the length of W. The darkest parts were changed most.',
  'rank.directions':
    'Any matrix can be taken apart into directions, each with a strength σ. A product of rank {adapterRank} has at most {adapterRank} of them, where W has up to {adapterWidth}: that is what is saved, and what cannot be learned. The bars are those strengths, the largest first.',
  'rank.tokens':
    'One direction does one thing: it looks how much of one pattern is in what comes in, and adds that much of another. Where a side is the residual stream, the page names the tokens that lie nearest to it. Choose another bar to see another direction.',
  'rank.scale':
    'The scale multiplies ΔW as a whole: 0 is the base, 1 what was trained, and between them every direction acts a little less. Nothing is computed anew for it.',
  'rank.scale.task': 'Move the scale of {adapterName} away from 1.',
} as const
