/** Sampling: from probabilities to one token. */
export const samplingLessonEn = {
  'sampling.title': 'Sampling',
  'sampling.about': 'How probabilities become one token, and what each slider does to them.',
  'sampling.candidates':
    'The model gives every one of its {vocab} tokens a probability; it chooses none. These are its candidates at one place of the text, the best first, with {stageBestShare}. What was written there is “{explorerToken}”.',
  'sampling.draw':
    'Choosing is a draw. The tokens lie side by side from 0 to 1, each as wide as its probability, and a random number points at one: {drawRandom} lies between {drawFrom} and {drawTo}.',
  'sampling.temperature':
    'Temperature divides the logits before softmax. Below 1 the best candidates gain, above 1 the others do. At 0 the best one is simply taken.',
  'sampling.temperature.task': 'Move temperature to 0: the first bar takes everything.',
  'sampling.topK':
    'Top-k keeps the k best candidates and shares out among them what the others had. {kept} of {vocab} tokens are in the draw now.',
  'sampling.topK.task': 'Set top-k to 3 or less.',
  'sampling.topP':
    'Top-p keeps as many of the best as it takes to reach a share p: few where the model is sure, many where it is not. {kept} are in the draw now.',
  'sampling.topP.task': 'Lower top-p to 0.5 and watch the tail go.',
  'sampling.many':
    'One draw says little, a hundred show the shape. Each draw has a random number of its own; the table counts how often a candidate came up.',
  'sampling.many.task': 'Draw 100 times.',
  'sampling.seed':
    'The random numbers come from a seed. The same seed, prompt and settings always give the same text. This one was written with seed {runSeed}.',
  'sampling.seed.task': 'Change the seed and generate again.',
  'sampling.mind':
    'It could have gone another way. Any candidate can take the place of what was written: the model goes on from there, and the old text stays as a branch.',
  'sampling.mind.task': 'Make the model change its mind: continue from another candidate.',
  'sampling.fork':
    'Here every text is a line of one tree. Where you chose another candidate it forks: both texts share what stands before, and each can be taken up again.',
} as const
