import { byId, ofStep, outsideLayers, type Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** From a text to the next token, once through the whole model. */
export const logits: Lesson = {
  name: 'logits',
  title: 'logits.title',
  about: 'logits.about',
  minutes: 4,
  text: STORY,
  steps: [
    { words: 'logits.prompt', place: { view: 'write' }, target: byId('prompt') },
    { words: 'logits.tokens', place: { view: 'write' }, target: '.stream-prompt' },
    {
      words: 'logits.ids',
      place: { view: 'steps', step: outsideLayers('embed'), token: { row: 2 } },
      target: byId('row-token', '[aria-pressed="true"]'),
      task: { words: 'logits.ids.task', check: 'otherToken' },
    },
    {
      words: 'logits.embed',
      place: { view: 'steps', step: outsideLayers('embed') },
      target: ofStep('tensor-view'),
    },
    {
      words: 'logits.steps',
      place: { view: 'steps' },
      target: byId('step-scrub'),
      task: { words: 'logits.steps.task', check: 'lastStep' },
    },
    {
      words: 'logits.logits',
      place: { view: 'steps', step: outsideLayers('logits') },
      target: ofStep('tensor-view'),
    },
    {
      words: 'logits.softmax',
      place: { view: 'write', region: 'right', token: { generated: 0 } },
      target: '.candidates',
    },
    {
      words: 'logits.next',
      place: { view: 'write' },
      target: byId('output'),
      task: { words: 'logits.next.task', check: 'unsureToken' },
    },
  ],
}
