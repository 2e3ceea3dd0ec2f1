import type { StepOp } from '../program/program.ts'
import { blend, embedLora } from './adapters.ts'
import { attention, mix, scores, softmax } from './attention.ts'
import { activation, add, gate } from './elementwise.ts'
import { edit } from './edits.ts'
import { embed } from './embed.ts'
import { linear } from './linear.ts'
import { norm } from './norm.ts'
import type { Op } from './op.ts'
import { cache, rope, ropeCache } from './rope.ts'

/** Every op of the forward pass. */
export const OPS: Readonly<Record<StepOp, Op>> = {
  activation,
  add,
  attention,
  blend,
  cache,
  edit,
  embed,
  embed_lora: embedLora,
  gate,
  layer_norm: norm,
  linear,
  linear_activation: linear,
  linear_add: linear,
  lora_ax: linear,
  mix,
  norm_gated: linear,
  norm_linear: linear,
  norm_linear_activation: linear,
  norm_lora_ax: linear,
  rms_norm: norm,
  rope,
  rope_cache: ropeCache,
  scores,
  softmax,
}
