import { byId, inLayer, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** The stream every layer writes into, and reading it early. */
export const residual: Lesson = {
  name: 'residual',
  title: 'residual.title',
  about: 'residual.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'residual.sum',
      place: { view: 'steps', step: inLayer('resid_attn', 'resid'), token: { generated: 0 } },
      target: byId('step-formula'),
    },
    {
      words: 'residual.lens',
      place: { view: 'lens', token: 'beforeSurest', layer: null, detail: 'prediction' },
      target: byId('lens-cell', '[aria-selected="true"]'),
    },
    {
      words: 'residual.depth',
      place: { view: 'lens', layer: null, detail: 'prediction' },
      target: '.lens-grid',
      task: { words: 'residual.depth.task', check: 'firstRightLayer' },
    },
    {
      words: 'residual.parts',
      place: { view: 'lens', region: 'right', layer: null, detail: 'attribution' },
      target: byId('attribution'),
    },
  ],
}
