import type { ModelInfo } from '../../api/model.ts'
import { adapters } from './adapters/view.ts'
import { attention } from './attention/view.ts'
import { branches } from './branches/view.ts'
import { chat } from './chat/view.ts'
import { compare } from './compare/view.ts'
import { edits } from './edits/view.ts'
import { experts } from './experts/view.ts'
import { fill } from './fill/view.ts'
import { learn } from './learn/view.ts'
import { lens } from './lens/view.ts'
import { map } from './map/view.ts'
import { models } from './models/view.ts'
import { precision } from './precision/view.ts'
import { sampling } from './sampling/view.ts'
import { score } from './score/view.ts'
import { speculate } from './speculate/view.ts'
import { steps } from './steps/view.ts'
import { tokenizer } from './tokenizer/view.ts'
import { trace } from './trace/view.ts'
import { train } from './train/view.ts'
import { write } from './write/view.ts'
import type { View } from './view.ts'

/** Every view of the page, in order within its group. A new one is a folder beside this file and a line here. */
export const VIEWS: readonly View[] = [
  write,
  map,
  chat,
  fill,
  steps,
  attention,
  lens,
  experts,
  tokenizer,
  sampling,
  branches,
  edits,
  score,
  precision,
  speculate,
  adapters,
  compare,
  train,
  models,
  trace,
  learn,
]

/** The views that a model is of use in; without one, those of models that write. */
export function viewsFor(info: ModelInfo | null): readonly View[] {
  const tasks = info?.tasks ?? ['generate']
  return VIEWS.filter(({ task }) => task === undefined || tasks.includes(task))
}
