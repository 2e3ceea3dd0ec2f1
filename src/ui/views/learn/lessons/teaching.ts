import { byId, type Lesson } from '../types.ts'
import { STORY, TRIPLETS } from './texts.ts'

/** How an example becomes predictions, and which of them count. */
export const teaching: Lesson = {
  name: 'teaching',
  title: 'teaching.title',
  about: 'teaching.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'teaching.forcing',
      place: { view: 'train', set: 'swap' },
      target: '.train-targets',
      keepsText: true,
    },
    {
      words: 'teaching.parallel',
      place: { view: 'train', set: 'swap' },
      target: '.train-target-list',
      keepsText: true,
    },
    {
      words: 'teaching.mask',
      place: { view: 'train', set: 'swap' },
      target: byId('train-example'),
      keepsText: true,
      task: { words: 'teaching.mask.task', check: 'otherExample' },
    },
    {
      words: 'teaching.triplet',
      place: { view: 'train', data: TRIPLETS },
      target: byId('train-example'),
      keepsText: true,
    },
    {
      words: 'teaching.held',
      place: { view: 'train', set: 'swap' },
      target: byId('train-lengths'),
      keepsText: true,
    },
  ],
}
