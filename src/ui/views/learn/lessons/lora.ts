import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** What a LoRA adapter learns, beside weights that stay. */
export const lora: Lesson = {
  name: 'lora',
  title: 'lora.title',
  about: 'lora.about',
  minutes: 4,
  text: STORY,
  steps: [
    {
      words: 'lora.rank',
      place: { view: 'train', region: 'left', set: 'swap' },
      target: byId('train-rank'),
      keepsText: true,
    },
    {
      words: 'lora.start',
      place: { view: 'train', set: 'swap' },
      target: byId('train-start'),
      keepsText: true,
      task: { words: 'lora.start.task', check: 'trainedAWhile' },
    },
    {
      words: 'lora.gradient',
      place: { view: 'train', set: 'swap', learns: true },
      target: byId('train-heat-gradient'),
      keepsText: true,
    },
    {
      words: 'lora.delta',
      place: { view: 'train', set: 'swap', learns: true },
      target: byId('train-heat-delta'),
      keepsText: true,
    },
    {
      words: 'lora.sample',
      place: { view: 'train', region: 'right', set: 'swap', learns: true },
      target: byId('train-sample'),
      keepsText: true,
    },
  ],
}
