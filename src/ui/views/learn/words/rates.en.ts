/** Learning rate, warm-up and clipping. */
export const ratesEn = {
  'rates.title': 'Learning rate, warm-up, clipping',
  'rates.about': 'What keeps a run from breaking, seen by breaking one.',
  'rates.rate':
    'Every step moves A and B against their gradient. AdamW divides that by the size gradients have had of late, so a number moves by about the learning rate, {trainRate} here, whatever the loss is measured in.',
  'rates.guards':
    'Three guards stand behind More settings. Warm-up keeps the first steps small, while those sizes are known from few gradients. Clip shortens a gradient that is too long as a whole. Spike undoes a step whose loss jumps, and leaves its examples out.',
  'rates.break':
    'A rate that is too large throws the adapter past what it is looking for: the loss jumps instead of falling, and stays above what it began with.',
  'rates.break.task': 'Set the rate to 0.3, warm-up, clip and spike to 0, and start.',
  'rates.undone':
    'With Spike on, a jump is not the end: the adapter and its moments go back to where they were some steps ago, the batch is left out, and the curve marks the place.',
  'rates.undone.task': 'Leave the rate at 0.3 and clip at 0, set warm-up to 50 and spike to 2, and start.',
  'rates.spike':
    'A good rate is the largest that falls smoothly. If a curve trembles, halve the rate; if it hardly moves, double it.',
  'rates.spike.task':
    'Choose the data set again, which brings its settings back, start, and see the loss fall below half.',
} as const
