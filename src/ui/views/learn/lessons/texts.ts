import { DEFAULT_SETTINGS, type Settings } from '../../../../state/settings.ts'
import type { LessonText } from '../types.ts'

const settings = (changes: Partial<Settings>): Settings => ({ ...DEFAULT_SETTINGS, ...changes })

/** A short story; its names come back, so that copying can be seen. */
export const STORY: LessonText = {
  prompt:
    'Once upon a time, there was a little fox named Ruby. She lived near the river. Ruby had a red kite.',
  settings: settings({ maxTokens: 16 }),
}

/** The same story from the model's own distribution: no filter has touched the draw. */
export const UNFILTERED: LessonText = {
  prompt: STORY.prompt,
  settings: settings({ temperature: 1, topK: 0, topP: 1, maxTokens: 16 }),
}

const SWAPS = [
  ['Tom met Mia near the river.', 'Mia met Tom near the river.'],
  ['Anna gave Ben a red kite.', 'Ben gave Anna a red kite.'],
  ['Lucy saw Jack in the garden.', 'Jack saw Lucy in the garden.'],
] as const

/** Examples as an instruction, an input and an output each. */
export const TRIPLETS = SWAPS.map(([input, output]) =>
  JSON.stringify({ instruction: 'Swap the names.', input, output }),
).join('\n')
