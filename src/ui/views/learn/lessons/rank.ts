import { byId, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** What a rank is, on the change that an adapter of the page makes. */
export const rank: Lesson = {
  name: 'rank',
  title: 'rank.title',
  about: 'rank.about',
  minutes: 3,
  text: STORY,
  steps: [
    {
      words: 'rank.factors',
      place: { view: 'adapters', adapter: 'bard', adapterDetail: 'report' },
      target: byId('adapter-row'),
      keepsText: true,
    },
    {
      words: 'rank.delta',
      place: { view: 'adapters', adapter: 'bard', adapterDetail: 'delta' },
      target: byId('delta-map'),
      keepsText: true,
    },
    {
      words: 'rank.directions',
      place: { view: 'adapters', adapter: 'bard', adapterDetail: 'delta' },
      target: '.spectrum',
      keepsText: true,
    },
    {
      words: 'rank.tokens',
      place: { view: 'adapters', adapter: 'bard', adapterDetail: 'delta' },
      target: '.direction',
      keepsText: true,
    },
    {
      words: 'rank.scale',
      place: { view: 'adapters', adapter: 'bard', adapterDetail: 'delta' },
      target: byId('adapter-scale'),
      keepsText: true,
      task: { words: 'rank.scale.task', check: 'scaleMoved' },
    },
  ],
}
