/** Learning beside weights of four bits. */
export const qloraEn = {
  'qlora.title': 'QLoRA: learning beside four bits',
  'qlora.about': 'The base stays packed; only the adapter is learned in full.',
  'qlora.base':
    'The model has been loaded again with weights as {weights}: {modelBytes} on the GPU. Training never changes them, so they can stay packed in four bits, with one scale for every 32 of them.',
  'qlora.gradient':
    'Going back, every product needs its weights once more, turned around: dx = Wᵀ·dy. It reads the same four-bit blocks as they lie, without a second copy. Gradients and moments there are only of A and B, {trainedNumbers} numbers of 32 bits.',
  'qlora.gradient.task': 'Let it take ten steps.',
  'qlora.fits':
    'What the adapter learns includes making up for a part of the rounding, since it is graded on what the rounded model says. So it fits this base best: beside other weights it would be a little off.',
  'qlora.back':
    'The model is back as it is stored, {weights} and {modelBytes}. The run over four bits stays among the earlier runs; it can only be taken up beside the weights it began with.',
} as const
