import type { Lesson } from '../types.ts'
import { STORY } from './texts.ts'

/** The whole model at a glance, before any part of it. */
export const picture: Lesson = {
  name: 'picture',
  title: 'picture.title',
  about: 'picture.about',
  minutes: 2,
  text: STORY,
  steps: [
    { words: 'picture.text', place: { view: 'map', token: { generated: 0 } }, target: '.map-text' },
    { words: 'picture.stream', place: { view: 'map' }, target: '.map-beginning' },
    { words: 'picture.attention', place: { view: 'map' }, target: '.map-heads' },
    { words: 'picture.mlp', place: { view: 'map' }, target: '.map-inner' },
    { words: 'picture.word', place: { view: 'map' }, target: '.map-word' },
    { words: 'picture.outcome', place: { view: 'map' }, target: '.map-bars' },
  ],
}
