/** From text to the next token. */
export const logitsEn = {
  'logits.title': 'From text to the next token',
  'logits.about': 'Tokens, rows of numbers, steps, logits, probabilities: once through the whole model.',
  'logits.prompt':
    'A language model does one thing: it reads a text and says, for every piece of text it knows, how likely that piece is to come next. This is the text it reads here, the prompt.',
  'logits.tokens':
    'It does not read letters. The tokenizer has cut the prompt into {promptTokens} tokens, pieces from a fixed vocabulary of {vocab}. The first one only marks where a text begins.',
  'logits.ids':
    'To the model a token is a number. This one is “{token}”: number {tokenId} of the vocabulary, at position {position} of the text.',
  'logits.ids.task': 'Choose another token: click one, or press K.',
  'logits.embed':
    'Each number picks a row from a table that the model has learned. Tokens go down, the {hidden} values of their rows across. Everything that follows works on these rows.',
  'logits.steps':
    'One pass through the model takes {stepCount} steps, and this slider runs through them: {layers} layers in turn, each adding something to every row.',
  'logits.steps.task': 'Go to the last step: drag the slider to its end, or press End on it.',
  'logits.logits':
    'The last step holds every row against all {vocab} tokens and gives each a number, its logit. The higher it is, the better the token fits as the next one. The marked cell is the highest of its row.',
  'logits.softmax':
    'Softmax turns the logits of one position into probabilities that add up to 1. Behind the prompt the model put “{best}” first, with {bestShare}.',
  'logits.next':
    'Then one token is drawn and written behind the text, and everything starts again with one token more. {written} tokens have come about like this. The stronger the tint, the surer the model was.',
  'logits.next.task':
    'Find a token to which the model gave less than half: click through the text, or press J and K.',
} as const
