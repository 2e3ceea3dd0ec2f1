import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** What a layer does with one token alone. */
export const mlp: Lesson = {
  name: 'mlp',
  title: 'mlp.title',
  about: 'mlp.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'mlp.gate',
      place: { view: 'steps', step: 'layers.0.mlp.gate', token: { generated: 0 } },
      target: byId('tensor-view', '[data-step="layers.0.mlp.gate"]'),
    },
    {
      words: 'mlp.act',
      place: { view: 'steps', step: 'layers.0.mlp.act' },
      target: byId('step-formula'),
    },
    {
      words: 'mlp.down',
      place: { view: 'steps', step: 'layers.0.mlp.down' },
      target: byId('tensor-view', '[data-step="layers.0.mlp.down"]'),
    },
    {
      words: 'mlp.off',
      place: { view: 'edits', tool: 'scale' },
      target: byId('edit-cell', '[data-step="layers.0.mlp.down"]'),
      task: { words: 'mlp.off.task', check: 'mlpOff' },
    },
  ],
}
