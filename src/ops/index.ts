import type { OpName } from '../program/attrs.ts'
import type { Step } from '../program/step.ts'
import type { TrainOpName } from '../program/trainAttrs.ts'
import { blend, embedLora } from './adapters.ts'
import { attention, scores, softmax, weightedValues } from './attention.ts'
import { activation, add, gate, positions, positionScale, scaledAdd } from './elementwise.ts'
import { edit } from './edits.ts'
import { embed } from './embed.ts'
import { expertGated, expertLinear, expertsAdd, expertSum, route, routerWeights, topK } from './experts.ts'
import { linear } from './linear.ts'
import { layerNorm, normAdd, rmsNorm } from './norm.ts'
import type { Dispatch, Op, OpContext } from './op.ts'
import { cache, rope, ropeCache } from './rope.ts'

/** Every op of the forward pass; those of training are in `backward/index.ts`, which is read when a model is trained. */
const OPS: { readonly [O in Exclude<OpName, TrainOpName>]: Op<O> } = {
  activation,
  add,
  attention,
  blend,
  cache,
  context: weightedValues,
  edit,
  embed,
  embed_lora: embedLora,
  expert_gated: expertGated,
  expert_linear: expertLinear,
  expert_sum: expertSum,
  experts_add: expertsAdd,
  gate,
  layer_norm: layerNorm,
  linear,
  linear_activation: linear,
  linear_add: linear,
  lora_a: linear,
  norm_add: normAdd,
  norm_gated: linear,
  norm_linear: linear,
  norm_linear_activation: linear,
  norm_lora_a: linear,
  position_scale: positionScale,
  positions,
  rms_norm: rmsNorm,
  rope,
  rope_cache: ropeCache,
  route,
  router_weights: routerWeights,
  scaled_add: scaledAdd,
  scores,
  softmax,
  top_k: topK,
}

/** The op of a step. The table pairs each name with its op, which an index by union loses. */
function opOf(step: Step): Op<OpName> {
  return OPS[step.op as keyof typeof OPS] as unknown as Op<OpName>
}

/** How a step is dispatched. */
export function dispatchesOf(step: Step, context: OpContext): Dispatch[] {
  return opOf(step).dispatches(step, context)
}

/** What a step computes, with its own numbers. */
export function formulaOf(step: Step): string {
  return opOf(step).formula(step)
}
