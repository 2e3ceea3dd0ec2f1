import { byId, inLayer, ofStep, type Lesson } from '../types.ts'
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
      place: { view: 'steps', step: inLayer('gate', 'up'), token: { generated: 0 } },
      target: ofStep('tensor-view'),
    },
    {
      words: 'mlp.act',
      place: { view: 'steps', step: inLayer('act') },
      target: byId('step-formula'),
    },
    {
      words: 'mlp.down',
      place: { view: 'steps', step: inLayer('down') },
      target: ofStep('tensor-view'),
    },
    {
      words: 'mlp.off',
      place: { view: 'edits', tool: 'scale', step: { layer: 0, output: 'mlp' } },
      target: ofStep('edit-cell'),
      task: { words: 'mlp.off.task', check: 'mlpOff' },
    },
  ],
}
