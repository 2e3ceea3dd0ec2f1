import { byId, type Lesson } from '../types.ts'
import { UNFILTERED } from './texts.ts'

/** The head of a stage of the explorer: its name, its slider and the box with this test id. */
const stageOf = (name: string): string => `th:has(${byId(name)})`

/** From probabilities to one token. */
export const sampling: Lesson = {
  name: 'sampling',
  title: 'sampling.title',
  about: 'sampling.about',
  minutes: 6,
  text: UNFILTERED,
  steps: [
    {
      words: 'sampling.candidates',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: '.sampler-row',
    },
    {
      words: 'sampling.draw',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: '.draw',
    },
    {
      words: 'sampling.temperature',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: stageOf('sampler-temperature'),
      task: { words: 'sampling.temperature.task', check: 'greedy' },
    },
    {
      words: 'sampling.topK',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: stageOf('sampler-top-k'),
      task: { words: 'sampling.topK.task', check: 'fewKept' },
    },
    {
      words: 'sampling.topP',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: stageOf('sampler-top-p'),
      task: { words: 'sampling.topP.task', check: 'nucleus' },
    },
    {
      words: 'sampling.many',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: byId('sampler-draw-many'),
      task: { words: 'sampling.many.task', check: 'manyDraws' },
    },
    {
      words: 'sampling.seed',
      place: { view: 'write', region: 'left' },
      target: `.field:has(${byId('sampling-seed')})`,
      task: { words: 'sampling.seed.task', check: 'otherSeed' },
    },
    {
      words: 'sampling.mind',
      place: { view: 'sampling', token: 'torn', freshSampler: true },
      target: byId('sampler-continue'),
      task: { words: 'sampling.mind.task', check: 'otherMind' },
    },
    {
      words: 'sampling.fork',
      place: { view: 'branches' },
      target: '.branch-tree',
      keepsText: true,
    },
  ],
}
