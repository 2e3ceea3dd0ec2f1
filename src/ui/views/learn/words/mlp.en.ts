/** The MLP. */
export const mlpEn = {
  'mlp.title': 'MLP',
  'mlp.about': 'What a layer does with each token alone, and what happens without it.',
  'mlp.gate':
    'After attention a layer works on each token by itself. Two matrices widen its {hidden} values to {inner} each. This is the first of the two results, the gate.',
  'mlp.act':
    'SiLU lets positive values of the gate pass and holds negative ones back; the result is multiplied with the second one, place by place. Each of the {inner} places answers to something of its own in the row.',
  'mlp.down': 'A third matrix leads back to {hidden} values, and these are added to the row of the token.',
  'mlp.off':
    'What is it good for? Switch it off and see: this cell multiplies what the MLP of layer 0 writes by the factor above. The text below is read again, and every prediction that moved is marked.',
  'mlp.off.task': 'Switch the MLP of a layer off.',
} as const
