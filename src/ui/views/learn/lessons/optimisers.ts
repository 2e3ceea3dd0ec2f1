import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** AdamW beside Adafactor: what they keep, and how their curves go. */
export const optimisers: Lesson = {
  name: 'optimisers',
  title: 'optimisers.title',
  about: 'optimisers.about',
  minutes: 5,
  text: STORY,
  steps: [
    {
      words: 'optimisers.moments',
      place: { view: 'train', region: 'right', set: 'swap', learns: true },
      target: byId('train-scrubber'),
      keepsText: true,
    },
    {
      words: 'optimisers.factored',
      place: { view: 'train', region: 'left', set: 'swap' },
      target: '.train-more',
      keepsText: true,
      task: { words: 'optimisers.factored.task', check: 'adafactorRun' },
    },
    {
      words: 'optimisers.curve',
      place: { view: 'train', set: 'swap', learns: true },
      target: '.train-curves',
      keepsText: true,
    },
  ],
}
