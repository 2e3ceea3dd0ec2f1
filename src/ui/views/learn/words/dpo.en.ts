/** Preferences. */
export const dpoEn = {
  'dpo.title': 'DPO: which answer is better',
  'dpo.about': 'Learning from preferences, the idea behind RLHF.',
  'dpo.pairs':
    'Each of these {trainPairs} examples is a prompt with two answers. None of them is the right one: they only say which of the two people would rather have. That is easier to collect than good answers, and it is what RLHF learns from.',
  'dpo.reward':
    'The reward of an answer is β·(ln π − ln π of the reference): how much likelier the adapter has made it than the model is without. β is {trainBeta}. The reference is read in the same batch, with the adapter off; nothing flows back through it.',
  'dpo.start':
    'The loss is −ln σ of the margin, which is the chosen answer’s reward less the rejected one’s. At first both are zero and the loss is ln 2 ≈ 0.693: the adapter cannot tell them apart yet.',
  'dpo.start.task': 'Start, and let it take ten steps.',
  'dpo.margin':
    'The margin grows, and with it the share of pairs that are told right; the accented line is of pairs that were held out. Only the difference counts: a run can win by making both answers less likely, the rejected one more so. RLHF with PPO gets there through a reward model and samples of its own; here one loss does it.',
} as const
