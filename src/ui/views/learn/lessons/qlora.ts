import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** An adapter that learns beside weights of four bits. */
export const qlora: Lesson = {
  name: 'qlora',
  title: 'qlora.title',
  about: 'qlora.about',
  minutes: 4,
  text: STORY,
  steps: [
    {
      words: 'qlora.base',
      place: { view: 'train', weights: 'q4_0', set: 'swap' },
      target: byId('model-status'),
      keepsText: true,
    },
    {
      words: 'qlora.gradient',
      place: { view: 'train', weights: 'q4_0', set: 'swap', learns: true },
      target: byId('train-heat-gradient'),
      keepsText: true,
      task: { words: 'qlora.gradient.task', check: 'quantisedRun' },
    },
    {
      words: 'qlora.fits',
      place: { view: 'train', region: 'right', weights: 'q4_0', set: 'swap', learns: true },
      target: byId('train-sample'),
      keepsText: true,
    },
    {
      words: 'qlora.back',
      place: { view: 'train', weights: 'auto', set: 'swap' },
      target: byId('model-status'),
      keepsText: true,
    },
  ],
}
