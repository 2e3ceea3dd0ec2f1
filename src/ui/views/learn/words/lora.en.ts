/** What LoRA learns. */
export const loraEn = {
  'lora.title': 'What LoRA learns',
  'lora.about': 'Two thin matrices beside weights that stay as they are.',
  'lora.rank':
    'The weights W stay as they are. Beside a matrix stand two thin ones, A with {trainRank} rows and B with {trainRank} columns, and its product becomes W·x + (α / r)·B·A·x. Only A and B are learned. They fit beside weights of any format; beside quantised ones that is called QLoRA.',
  'lora.start':
    'A begins with random numbers and B with zeros: B·A is zero, and the adapter changes nothing yet. From its first step on it acts wherever adapters act on this page.',
  'lora.start.task': 'Start, and let it take ten steps.',
  'lora.gradient':
    'The gradient says how hard the loss pulls at A and B of each part. In the first column, which is of the first step, it is B’s alone: as long as B is zero, nothing that A does reaches the output, and so no gradient reaches A.',
  'lora.delta':
    'ΔW = (α / r)·B·A is what the adapter adds to a matrix. It begins at zero and grows from checkpoint to checkpoint, in some parts more than in others.',
  'lora.sample':
    'At every checkpoint the adapter is asked the same, and so is the base. Every checkpoint can be loaded as an adapter of its own: with a scale, beside others, or against the base in A/B.',
} as const
