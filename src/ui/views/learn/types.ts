import { outputOf, stepWithRole, type Anatomy, type Block } from '../../../analysis/anatomy.ts'
import type { ChosenHead } from '../attention/store.ts'
import type { ScoreName } from '../../../analysis/headScores.ts'
import type { Tool } from '../edits/store.ts'
import type { LensState } from '../lens/store.ts'
import type { Settings } from '../../../state/settings.ts'
import type { StepRole } from '../../../analysis/stepRoles.ts'
import type { DraftModel } from '../../../api/model.ts'
import type { LessonKey } from './words/lessons.en.ts'
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

/**
 * A step of the forward pass by what it does: outside the layers or in one of them, the first of these roles that the model has; or what
 * a block adds to the stream.
 */
export type StepChoice =
  { layer: number | null; roles: readonly StepRole[] } | { layer: number; output: Block }

/** The step of a choice; undefined where the model has none, and before its steps are known. */
export function chosenStep(anatomy: Anatomy, choice: StepChoice): string | undefined {
  return 'roles' in choice
    ? stepWithRole(anatomy.list, choice.layer, ...choice.roles)?.name
    : outputOf(anatomy, choice.layer, choice.output)
}

/** Where a step leads: a view, and what is chosen in it. What is left out stays as it is. */
export interface LessonPlace {
  view: string
  /** The region beside the view that holds the target; on a narrow page it is shown instead of the view. */
  region?: 'left' | 'right'
  token?: TokenChoice
  step?: StepChoice
  /** Of the layer of the head on show; the cell is that head's, at the position that the chosen token looks at most. */
  ofHead?: true
  head?: HeadChoice
  tab?: 'heads' | 'cache'
  layer?: number | null
  detail?: LensState['detail']
  tool?: Tool
  draft?: DraftModel['kind']
  /** Lets that draft model write, unless its text stands there already. */
  runs?: true
  /** Loads the model again with its weights in this format, unless it has them so. */
  weights?: 'auto' | 'q4_0'
  /** Has this text taken apart in the tokenizer's view. */
  cuts?: string
  /** Puts these examples in place of the ones on show. */
  data?: string
  /** Opens this built-in data set, with the settings that teach it. */
  set?: string
  /** Lets an adapter learn from it, unless one has. */
  learns?: true
  /** Loads this adapter of the page, unless it is there, and looks into it; it is taken away again at the end. */
  adapter?: string
  /** What of it is looked at. */
  adapterDetail?: 'report' | 'delta'
  /** Puts the sampling view back to what the run had. */
  freshSampler?: true
}

/** One sentence or two, tied to one element of the page. */
export interface LessonStep {
  /** Key of its words in the lesson's catalogue; `{slots}` in them are names of facts.ts. */
  words: LessonKey
  place: LessonPlace
  /** CSS selector of the element the words are about: the first one on show; `{step}` in it is the name of the place's step. */
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

/** A step of the first layer by its role, with what stands for it in a model without. */
export const inLayer = (...roles: readonly StepRole[]): StepChoice => ({ layer: 0, roles })

/** A step before or behind the layers. */
export const outsideLayers = (...roles: readonly StepRole[]): StepChoice => ({ layer: null, roles })

/** Selector of a test id; the rest of it names the place's step. */
export const ofStep = (name: string): string => byId(name, '[data-step="{step}"]')

/** Selector of a test id. */
export const byId = (name: string, more = ''): string => `[data-testid="${name}"]${more}`
