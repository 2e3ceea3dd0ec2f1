import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** Several tokens from one forward. */
export const speculation: Lesson = {
  name: 'speculation',
  title: 'speculation.title',
  about: 'speculation.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'speculation.draft',
      place: { view: 'speculate', draft: 'first-layers' },
      target: '.speculate-choice',
    },
    {
      words: 'speculation.start',
      place: { view: 'speculate', draft: 'first-layers' },
      target: byId('speculate-start'),
      task: { words: 'speculation.start.task', check: 'speculated' },
    },
    {
      words: 'speculation.rounds',
      place: { view: 'speculate', draft: 'first-layers', runs: true },
      target: byId('speculate-rounds'),
    },
    {
      words: 'speculation.figures',
      place: { view: 'speculate', draft: 'first-layers', runs: true },
      target: byId('speculate-figure-perForward'),
      task: { words: 'speculation.figures.task', check: 'plainMeasured' },
    },
  ],
}
