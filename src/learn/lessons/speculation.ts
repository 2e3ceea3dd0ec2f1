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
      words: 'speculation.guide',
      place: { view: 'speculate', guide: 'first-layers' },
      target: '.speculate-choice',
    },
    {
      words: 'speculation.start',
      place: { view: 'speculate', guide: 'first-layers' },
      target: byId('speculate-start'),
      task: { words: 'speculation.start.task', check: 'speculated' },
    },
    {
      words: 'speculation.lanes',
      place: { view: 'speculate', guide: 'first-layers', runs: true },
      target: byId('speculate-lanes'),
    },
    {
      words: 'speculation.figures',
      place: { view: 'speculate', guide: 'first-layers', runs: true },
      target: byId('speculate-figure-perForward'),
      task: { words: 'speculation.figures.task', check: 'plainMeasured' },
    },
  ],
}
