import type { ChosenHead } from '../store/attention.ts'
import type { ScoreName } from '../store/attentionScores.ts'
import type { Tool } from '../store/edits.ts'
import type { LensState } from '../store/lens.ts'
import type { Settings } from '../store/settings.ts'
import type { Guide } from '../api/model.ts'
import type { LessonKey } from '../ui/messages/lessons/index.ts'
import type { CheckName } from './checks.ts'

/** The text a lesson is about: it is written when the page shows another one. */
export interface LessonText {
  prompt: string
  settings: Settings
}

/**
 * A token of the text: a generated one by index, a row of the whole text, the generated one at whose place the model had several good
 * candidates, or the one before that it was surest of.
 */
export type TokenChoice = { generated: number } | { row: number } | 'torn' | 'beforeSurest'

/** A head by place, or the one of this text with the largest score. */
export type HeadChoice = ChosenHead | ScoreName

/** Where a step leads: a view, and what is chosen in it. What is left out stays as it is. */
export interface Place {
  view: string
  /** The region beside the view that holds the target; on a narrow page it is shown instead of the view. */
  region?: 'left' | 'right'
  token?: TokenChoice
  /** Name of a step of the forward pass. */
  step?: string
  head?: HeadChoice
  tab?: 'heads' | 'cache'
  layer?: number | null
  told?: LensState['told']
  tool?: Tool
  guide?: Guide['kind']
  /** Lets that guide write, unless its text stands there already. */
  runs?: true
  /** Puts the sampling bench back to what the run had. */
  freshBench?: true
}

/** One sentence or two, tied to one element of the page. */
export interface LessonStep {
  /** Key of its words in the lesson's catalogue; `{slots}` in them are names of facts.ts. */
  words: LessonKey
  place: Place
  /** CSS selector of the element the words are about: the first one on show. */
  target: string
  /** The text may be another one than the lesson's: what was tried before is what this step is about. */
  keepsText?: true
  /** Something to try; done once its check holds. */
  task?: { words: LessonKey; check: CheckName }
}

export interface Lesson {
  /** In links, in what is remembered, and at the front of its message keys. */
  name: string
  title: LessonKey
  about: LessonKey
  minutes: number
  text: LessonText
  steps: readonly LessonStep[]
}

/** Selector of a test id. */
export const byId = (name: string, more = ''): string => `[data-testid="${name}"]${more}`
