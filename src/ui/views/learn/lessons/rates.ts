import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** Learning rate, warm-up and clipping, by breaking a run. */
export const rates: Lesson = {
  name: 'rates',
  title: 'rates.title',
  about: 'rates.about',
  minutes: 5,
  text: STORY,
  steps: [
    {
      words: 'rates.rate',
      place: { view: 'train', region: 'left', set: 'swap' },
      target: byId('train-learningRate'),
      keepsText: true,
    },
    {
      words: 'rates.guards',
      place: { view: 'train', region: 'left', set: 'swap' },
      target: '.train-more',
      keepsText: true,
    },
    {
      words: 'rates.break',
      place: { view: 'train', set: 'swap' },
      target: byId('train-start'),
      keepsText: true,
      task: { words: 'rates.break.task', check: 'brokenRun' },
    },
    {
      words: 'rates.undone',
      place: { view: 'train', set: 'swap', learns: true },
      target: byId('train-status'),
      keepsText: true,
      task: { words: 'rates.undone.task', check: 'spikeUndone' },
    },
    {
      words: 'rates.spike',
      place: { view: 'train', set: 'swap', learns: true },
      target: byId('train-status'),
      keepsText: true,
      task: { words: 'rates.spike.task', check: 'soundRun' },
    },
  ],
}
