/** Words of what surrounds the views. */
export const shellEn = {
  'views.collapse': 'Icons only',
  'views.expand': 'Show the names of the views',

  'link.copy': 'Copy link',
  'link.copied': 'Link copied',
  'link.noFiles': 'Copy link: it opens without your dropped files',
  'history.undo': 'Undo',
  'history.redo': 'Redo',
  'history.undoOf': 'Undo: {what}',
  'history.redoOf': 'Redo: {what}',

  'strip.label': 'What each layer would predict next',
  'strip.after': 'After “{token}”, layer by layer',
  'strip.show': 'Show the lens strip',
  'strip.hide': 'Hide the lens strip',
  'strip.cell': '{layer}: “{top}”, {probability}. Opens the lens.',
  'strip.notCaptured': 'not captured',
  'strip.running': 'not captured while the text is being written',
  'strip.noText': 'not captured: nothing has been written yet',
  'strip.noModel': 'not captured: no model is loaded',
  'strip.otherModel': 'not captured: another model wrote this text',
  'strip.reading': 'reading…',

  'lens.embedding': 'embedding',
  'lens.embeddingShort': 'emb',
  'lens.layer': 'layer {layer}',
  'lens.layerShort': 'L{layer}',
  'adapters.base': 'base',
  'textScales.hint': 'The adapters behind this text',
  'textScales.written': 'written by {scales}',
  'textScales.from': '{scales} from token {token}',
  'textScales.scored': 'probabilities of {scales}',
  'textScales.unknown': 'adapters not recorded',
  'textScales.merged': 'merged',
  'textScales.scoring': 'Reading {count} token(s) under {scales}: {percent} %',
  'compare.merged':
    'Adapters are merged into the weights, so there is no base to compare with. Unmerge first.',
  'compare.toggle': 'Compare A/B',

  'keys.button': 'Keys',
} as const
