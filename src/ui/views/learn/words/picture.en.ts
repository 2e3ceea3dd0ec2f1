/** The model in one picture. */
export const pictureEn = {
  'picture.title': 'The model in one picture',
  'picture.about': 'From the text at the top to the next token at the bottom, at a glance.',
  'picture.text':
    'A text flows in at the top, cut into tokens. The picture is of one of them at a time, the framed one; click another to see what the model does there.',
  'picture.stream':
    'The token becomes {hidden} numbers. They run down through all {layers} layers: this band is the stream, and it is as wide as the numbers are large.',
  'picture.attention':
    'At the left of every layer stands attention. Each cell is one of its {heads} heads and shows where it looks: the first token at its left end, the framed one at its right. Point at a cell: what it looks at is tinted in the text above.',
  'picture.mlp':
    'At the right stands the MLP: many small switches, shown by what they let through. What both find is added to the stream; a thick arm adds much, a thin one little.',
  'picture.word':
    'If the model ended here, this is what it would say. Go down the column and watch the answer form; the framed words are already the one that came.',
  'picture.outcome':
    'At the bottom the stream is held against all {vocab} tokens. These are the most probable ones, and one of them is drawn. It joins the text, and everything begins again at the top.',
} as const
