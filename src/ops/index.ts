import { invariant } from '../errors.ts'
import { EXPERT_OP_NAMES, type ExpertOpName, type OpName } from '../program/attrs.ts'
import type { Step } from '../program/step.ts'
import type { TrainOpName } from '../program/trainAttrs.ts'
import { blend, embedLora } from './adapters.ts'
import { attention, scores, softmax, weightedValues } from './attention.ts'
import { activation, add, gate, positions, positionScale, scaledAdd } from './elementwise.ts'
import { edit } from './edits.ts'
import { embed } from './embed.ts'
import { linear } from './linear.ts'
import { layerNorm, normAdd, rmsNorm } from './norm.ts'
import type { Dispatch, Op, OpContext } from './op.ts'
import { cache, rope, ropeCache } from './rope.ts'

type ForwardOps = { readonly [O in Exclude<OpName, TrainOpName | ExpertOpName>]: Op<O> }
type ExpertOps = { readonly [O in ExpertOpName]: Op<O> }

/** Ops of the forward pass; those of training are in `backward/index.ts`, which is read when a model is trained. */
const OPS: ForwardOps & Partial<ExpertOps> = {
  activation,
  add,
  attention,
  blend,
  cache,
  context: weightedValues,
  edit,
  embed,
  embed_lora: embedLora,
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
  scaled_add: scaledAdd,
  scores,
  softmax,
}

/** The op of a step. The table pairs each name with its op, which an index by union loses. */
function opOf(step: Step): Op<OpName> {
  const op = OPS[step.op as keyof typeof OPS] as unknown as Op<OpName> | undefined
  invariant(op, `the op ${step.op} is not loaded`)
  return op
}

const EXPERTS: ReadonlySet<OpName> = new Set(EXPERT_OP_NAMES)

/** Fetches the ops of a program that come with it: those of experts, with the first model that has any. */
export async function loadOps({ steps }: { readonly steps: readonly Step[] }): Promise<void> {
  if ('route' in OPS || !steps.some(({ op }) => EXPERTS.has(op))) return
  Object.assign(OPS, (await import('./experts.ts')).EXPERT_OPS)
}

/** How a step is dispatched. */
export function dispatchesOf(step: Step, context: OpContext): Dispatch[] {
  return opOf(step).dispatches(step, context)
}

/** What a step computes, with its own numbers. */
export function formulaOf(step: Step): string {
  return opOf(step).formula(step)
}
