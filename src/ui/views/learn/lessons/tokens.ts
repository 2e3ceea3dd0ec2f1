import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

const ENGLISH = 'A little fox lived near the river.'
const KOREAN = '작은 여우가 강가에 살았습니다.'

/** What a text is cut into before the model reads it, in English and in Korean. */
export const tokens: Lesson = {
  name: 'tokens',
  title: 'tokens.title',
  about: 'tokens.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'tokens.list',
      place: { view: 'tokenizer', cuts: ENGLISH },
      target: '.tokenizer-tokens',
      keepsText: true,
    },
    {
      words: 'tokens.order',
      place: { view: 'tokenizer', cuts: ENGLISH },
      target: '.tokenizer-pipeline',
      keepsText: true,
    },
    {
      words: 'tokens.korean',
      place: { view: 'tokenizer', cuts: KOREAN },
      target: '.tokenizer-tokens',
      keepsText: true,
    },
    {
      words: 'tokens.price',
      place: { view: 'tokenizer', cuts: KOREAN },
      target: byId('tokenizer-count-a'),
      keepsText: true,
    },
    {
      words: 'tokens.own',
      place: { view: 'tokenizer' },
      target: byId('tokenizer-input'),
      keepsText: true,
    },
  ],
}
