import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** Learning from which of two answers is better. */
export const dpo: Lesson = {
  name: 'dpo',
  title: 'dpo.title',
  about: 'dpo.about',
  minutes: 5,
  text: STORY,
  steps: [
    {
      words: 'dpo.pairs',
      place: { view: 'train', set: 'kind' },
      target: byId('train-example'),
      keepsText: true,
    },
    {
      words: 'dpo.reward',
      place: { view: 'train', region: 'left', set: 'kind' },
      target: byId('train-beta'),
      keepsText: true,
    },
    {
      words: 'dpo.start',
      place: { view: 'train', set: 'kind' },
      target: byId('train-start'),
      keepsText: true,
      task: { words: 'dpo.start.task', check: 'preferredAWhile' },
    },
    {
      words: 'dpo.margin',
      place: { view: 'train', set: 'kind', learns: true },
      target: byId('train-rewards'),
      keepsText: true,
    },
  ],
}
