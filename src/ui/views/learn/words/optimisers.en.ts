/** AdamW beside Adafactor. */
export const optimisersEn = {
  'optimisers.title': 'AdamW and Adafactor',
  'optimisers.about': 'What an optimiser keeps between steps, and what it does with it.',
  'optimisers.moments':
    'AdamW keeps two numbers for each of the {trainedNumbers} that are trained: running means of its gradient and of the square of that. It divides one by the root of the other, so that every number moves at its own pace. They take {adamwBytes}, twice what A and B take, and are kept with the newest checkpoint.',
  'optimisers.factored':
    'Adafactor keeps of the squares of a matrix only the mean of every row and of every column, {adafactorBytes} in all. Their product, divided by the mean of all, stands for each square. It keeps no mean of the gradient itself.',
  'optimisers.factored.task': 'Under More settings choose Adafactor, start again, and let it take ten steps.',
  'optimisers.curve':
    'The curves fall much alike. Without a mean of the gradient, though, every step follows its own batch alone, and in place of the mean Adafactor shortens an update that is too long. On a small adapter the saving is small; on billions of weights it decides whether they fit.',
} as const
