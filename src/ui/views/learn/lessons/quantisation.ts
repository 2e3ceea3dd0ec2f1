import { byId, inLayer, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** Fewer bits for a weight, and what they cost. */
export const quantisation: Lesson = {
  name: 'quantisation',
  title: 'quantisation.title',
  about: 'quantisation.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'quantisation.bytes',
      place: { view: 'steps', region: 'right', step: inLayer('down') },
      target: byId('step-cost'),
    },
    {
      words: 'quantisation.copy',
      place: { view: 'speculate', draft: 'q4_0' },
      target: byId('speculate-start'),
      task: { words: 'quantisation.copy.task', check: 'copyAsked' },
    },
    {
      words: 'quantisation.agree',
      place: { view: 'speculate', draft: 'q4_0', runs: true },
      target: byId('speculate-figure-acceptance'),
    },
  ],
}
