/** The residual stream and the lens. */
export const residualEn = {
  'residual.title': 'Residual stream and lens',
  'residual.about': 'Layers add instead of replacing, so one can stop after any of them and look.',
  'residual.sum':
    'A layer never replaces the row of a token, it adds to it. What runs through the model like this is the residual stream. Here attention’s finding is added to what was there.',
  'residual.lens':
    'All layers write into the same stream, so one can stop after any of them and ask what the model would say. After the last layer, behind “{token}”, that is “{lensTop}” with {lensShare}.',
  'residual.depth':
    'Each line is a layer, the embedding at the bottom. Read the chosen column upwards and see how the guess changes from layer to layer.',
  'residual.depth.task':
    'In the chosen column, find the lowest layer that already has the token that really came next.',
  'residual.parts':
    'In the end a logit is a sum, too: every head and every MLP has added a share of its own. This table takes one apart.',
} as const
