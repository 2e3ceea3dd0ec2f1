const id = (name) => `[data-testid="${name}"]`

/**
 * What each view shows once it has its numbers.
 * @type {Readonly<Record<string, string>>}
 */
export const CONTENT = {
  write: `${id('output')} [data-token-index]`,
  map: '.map-board[data-whole="true"]',
  chat: id('chat-view'),
  steps: `${id('tensor-view')}[aria-busy="false"]`,
  attention: `${id('attention-view')} ${id('tensor-cell')}`,
  lens: id('lens-cell'),
  experts: `${id('experts-view')} ${id('tensor-cell')}`,
  tokenizer: id('tokenizer-view'),
  sampling: id('sampler-row'),
  branches: `${id('branches-view')} ${id('tree-node')}`,
  edits: id('edit-cell'),
  score: id('score-token-a'),
  precision: id('precision-view'),
  speculate: id('speculate-slot'),
  adapters: id('adapter-drop'),
  compare: id('compare-toggle'),
  // A model that writes nothing is told so.
  train: `${id('train-view')}, .blank-slate`,
  models: id('models-view'),
  trace: id('trace-save'),
  learn: id('learn-view'),
}

/**
 * What is pressed first in views that wait for a person.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const PRESSED = { score: ['score-page-a', 'score-run-a'], speculate: ['speculate-start'] }
