/** Quantisation. */
export const quantisationEn = {
  'quantisation.title': 'Quantisation',
  'quantisation.about': 'Fewer bits for every weight, and how much of the model is left.',
  'quantisation.bytes':
    'For this text this one step moves {stepBytes}. The weights of its matrix are part of that, kept as {weights}. With fewer bits for each weight there is less to keep and less to move.',
  'quantisation.copy':
    'q4_0 keeps 32 weights at a time as 32 numbers of 4 bits and one scale. The page can make such a copy of the model, let it propose the next tokens, and have the full model check them.',
  'quantisation.copy.task': 'Start it.',
  'quantisation.agree':
    'That measures what the lost bits cost here: of everything the copy proposed, the full model kept {accepted}. Where it refuses a proposal, rounding has moved the probabilities too far.',
} as const
