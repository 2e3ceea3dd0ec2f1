import { byId, inLayer, ofStep, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** How tokens see each other, and what is kept of them. */
export const attention: Lesson = {
  name: 'attention',
  title: 'attention.title',
  about: 'attention.about',
  minutes: 6,
  text: STORY,
  steps: [
    {
      words: 'attention.heads',
      place: { view: 'attention', tab: 'heads', head: { layer: 0, head: 0 } },
      target: '.heads-grid',
    },
    {
      words: 'attention.matrix',
      place: { view: 'attention', tab: 'heads', head: 'first' },
      target: `.attention ${byId('tensor-view')}`,
    },
    {
      words: 'attention.row',
      place: { view: 'attention', tab: 'heads', token: { generated: 0 } },
      target: byId('attention-readout'),
    },
    {
      words: 'attention.previous',
      place: { view: 'attention', tab: 'heads', head: 'first' },
      target: '.heads-grid',
      task: { words: 'attention.previous.task', check: 'previousHead' },
    },
    {
      words: 'attention.scores',
      place: { view: 'steps', step: inLayer('scores'), ofHead: true, token: { generated: 0 } },
      target: byId('step-formula'),
    },
    {
      words: 'attention.values',
      place: { view: 'steps', step: inLayer('context'), ofHead: true, token: { generated: 0 } },
      target: ofStep('tensor-view'),
    },
    {
      words: 'attention.cache',
      place: { view: 'attention', tab: 'cache' },
      target: '.cache-spans',
    },
    {
      words: 'attention.price',
      place: { view: 'attention', tab: 'cache', region: 'right' },
      target: byId('cache-perPosition'),
    },
    {
      words: 'attention.continue',
      place: { view: 'write' },
      target: byId('continue'),
      task: { words: 'attention.continue.task', check: 'continued' },
    },
    {
      words: 'attention.reused',
      place: { view: 'attention', tab: 'cache' },
      target: '.cache-spans',
      keepsText: true,
    },
  ],
}
