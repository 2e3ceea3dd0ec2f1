/** Words of the view of experts. */
export const expertsEn = {
  'experts.about':
    'In a mixture of experts a router scores every expert for every token and sends it to the best few. Here is where the tokens of this text went, layer by layer.',
  'experts.none': 'This model has no experts',
  'experts.noneHint':
    'Every token goes through the same MLP. Open a mixture of experts to see where its routers send the text.',
  'experts.load': 'Load of the experts',
  'experts.by': 'Load by',
  'experts.by.choices': 'choices',
  'experts.by.weight': 'weight',
  'experts.loadLabel': 'Load of {experts} experts in {layers} layers',
  'experts.cell': 'layer {layer}, expert {expert}',
  'experts.share.choices': 'of all choices in this layer',
  'experts.share.weight': 'of all weight in this layer',
  'experts.tokens': 'Tokens of layer {layer}',
  'experts.tokensLabel': 'Weights of {experts} experts for {tokens} tokens in layer {layer}',
  'experts.entropy': 'Router entropy {mean} of {most} bit on average; {used} of {experts} experts used',
  'experts.tokenCell': 'expert {expert} for position {position}, {token}',
  'experts.notTaken': 'not taken',
  'experts.panelEmpty': 'No experts to tell of.',
  'experts.panelCaption': 'Experts and their weights',
  'experts.position': 'Position {position}',
  'experts.layer': 'Layer',
  'experts.taken': 'Experts',
  'experts.bits': 'Bits',
} as const
