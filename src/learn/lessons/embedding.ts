import { byId, type Lesson } from '../types.ts'
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
      place: { view: 'steps', step: 'embed', token: { row: 2 } },
      target: byId('tensor-view', '[data-step="embed"]'),
    },
    {
      words: 'embedding.same',
      place: { view: 'steps', step: 'embed' },
      target: '.strip-tokens',
      task: { words: 'embedding.same.task', check: 'repeatedToken' },
    },
    {
      words: 'embedding.head',
      place: { view: 'steps', step: 'logits', token: { generated: 0 } },
      target: byId('step-formula'),
    },
  ],
}
