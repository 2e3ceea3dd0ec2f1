import { byId, ofStep, outsideLayers, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** The table in which every token has a row. */
export const embedding: Lesson = {
  name: 'embedding',
  title: 'embedding.title',
  about: 'embedding.about',
  minutes: 2,
  text: STORY,
  steps: [
    {
      words: 'embedding.row',
      place: { view: 'steps', step: outsideLayers('embed'), token: { row: 2 } },
      target: ofStep('tensor-view'),
    },
    {
      words: 'embedding.same',
      place: { view: 'steps', step: outsideLayers('embed') },
      target: '.token-bar-tokens',
      task: { words: 'embedding.same.task', check: 'repeatedToken' },
    },
    {
      words: 'embedding.head',
      place: { view: 'steps', step: outsideLayers('logits'), token: { generated: 0 } },
      target: byId('step-formula'),
    },
  ],
}
