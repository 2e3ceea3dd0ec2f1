import type { ReactElement } from 'react'
import type { StepInfo } from '../../../../api/model.ts'
import type { OpName } from '../../../../api/model.ts'
import { isInfo } from '../../../../analysis/anatomy.ts'
import { cache, context, scores, softmax } from './attention.ts'
import { activation, add, clamp, gate, positions, positionScale } from './elementwise.ts'
import { embed } from './embed.ts'
import { expertLinear, expertSum, routerWeights, scaledAdd, topK } from './experts.ts'
import { linear } from './linear.ts'
import { layerNorm, rmsNorm } from './norm.ts'
import { rope } from './rope.ts'
import type { Explanation, ExplainRequest, OpView } from './opView.ts'

export type { Explanation, ExplainRequest, Remark, TermList } from './opView.ts'

/** What the stepper says of each op; of one that is not here it shows the formula and the value. */
const OP_VIEWS: { readonly [O in OpName]?: OpView<O> } = {
  embed,
  rms_norm: rmsNorm,
  layer_norm: layerNorm,
  linear,
  top_k: topK,
  router_weights: routerWeights,
  expert_linear: expertLinear,
  expert_sum: expertSum,
  scaled_add: scaledAdd,
  rope,
  cache,
  scores,
  softmax,
  context,
  positions,
  position_scale: positionScale,
  clamp,
  add,
  gate,
  activation,
}

/** The view of a step's op. Methods of the table take their own op's steps alone; a step is of the op that it is looked up by. */
function viewOf({ op }: StepInfo): OpView | undefined {
  return OP_VIEWS[op]
}

/** The law of a step in symbols; null for an op without a law of its own. */
export function lawOf(step: StepInfo): ReactElement | null {
  return viewOf(step)?.law(step) ?? null
}

/** How one element of a step came about, from values of this very forward; null where only the value is known. */
export function explain(request: ExplainRequest): Explanation | null {
  return viewOf(request.step)?.explain(request) ?? null
}

/** Row of the step's matrix that makes a column: of an expert's product its own, `chosen` being the experts of the cell's row. */
export function outputOf(step: StepInfo, col: number, chosen: Float32Array | null): number | null {
  if (isInfo(step, 'linear')) return col
  if (!isInfo(step, 'expert_linear')) return null
  const width = step.axes.at(-1)?.size ?? 1
  const expert = chosen?.[Math.floor(col / width)]
  return expert === undefined ? null : expert * width + (col % width)
}

/** True for steps whose element needs more of the cache than its own row. */
export const readsCache = (step: StepInfo): boolean => viewOf(step)?.readsCache ?? false
