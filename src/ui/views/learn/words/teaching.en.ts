/** Teacher forcing and the loss mask. */
export const teachingEn = {
  'teaching.title': 'Learning from an example',
  'teaching.about': 'Teacher forcing, the loss mask, and what is held out.',
  'teaching.forcing':
    'An example is a text, here of {exampleTokens} tokens. At each place the model reads the true text so far and gives every token of its vocabulary a probability; the right answer is the token that really comes next. That is teacher forcing.',
  'teaching.parallel':
    'What the model would have written itself is never read. So no place has to wait for the one before: one forward answers all of them at once, where writing the same text takes a forward for each token.',
  'teaching.mask':
    'The question need not be learned, only the answer. Grey tokens are masked: of this example’s {exampleTokens} tokens {exampleCounted} count. The loss is the mean of −ln p over those, p being what the model gave the right token.',
  'teaching.mask.task': 'Choose another example and see where its answer begins.',
  'teaching.triplet':
    'Many data sets have triplets: an instruction, an input, an output. Each is laid out as this model knows them, and the mask covers all but the output and the token that ends it: of these {exampleTokens} tokens {exampleCounted} count.',
  'teaching.held':
    '{trainHeld} examples are held out. The run never learns from them, and measures its loss on them at every checkpoint. A loss that falls only on the others shows that they were learned by heart.',
} as const
