/** Words of the lens view. */
export const lensEn = {
  'lens.about':
    'What the model would say next if it stopped after a layer: the residual stream there, through the final norm and the head. A column is a position; each cell names the token it predicts next.',
  'lens.aboutOwn':
    'What the model would put in each place if it stopped after a layer: the residual stream there, through the head. A column is a position; each cell names the token that fits it best.',
  'lens.grid': 'Logit lens: {layers} layer(s) by {positions} position(s). Arrow keys move.',
  'lens.token': 'token',
  'lens.next': 'next',
  'lens.unknown': 'not written',
  'lens.cell': 'position {position} “{token}”, {layer}: predicts next “{top}”, {probability}',
  'lens.cellOwn': 'position {position} “{token}”, {layer}: predicts “{top}” here, {probability}',
  'lens.title': 'After {layer}',
  'lens.predicts': 'position {position} · “{token}” → predicts next',
  'lens.top': 'Most probable next tokens',
  'lens.topOwn': 'Most probable tokens here',
  'lens.probability': 'Probability',
  'lens.entropy': 'Entropy',
  'lens.actual': 'Actual next token',
  'lens.actualOwn': 'Token that stands here',
  'lens.rank': 'Rank',
  'lens.rankOf': '{rank} of {vocab}',
  'lens.last': 'The text ends here: no next token to follow.',
  'lens.follow': 'The actual next token, layer by layer',
  'lens.followOwn': 'The token that stands here, layer by layer',
  'lens.scale': 'Probability of the cell’s token',
  'lens.empty': 'Choose a cell to see what stands behind it.',
  'lens.live': 'Follow while writing',
  'lens.liveHint':
    'While a text is being written, reads what every layer predicts behind its newest token. At most every 300 ms, and never more than a tenth of the time.',
  'lens.liveLabel': 'Now: what every layer predicts after position {position}, “{token}”',
  'lens.liveAt': 'now · {position}',
  'lens.liveNext': 'predicts next',
  'lens.liveColumns': '{count} column(s) in this run, the last in {ms} m(s).',
  'lens.liveUnmeasured': 'What they cost is not measured yet.',
  'lens.liveCost':
    '{between} tok/s between two columns, {reading} tok/s while one is read: the run is {share}% slower.',
  'lens.liveBeyond': 'Not followed beyond {tokens} token(s): a column takes {ms} m(s) here.',
} as const
