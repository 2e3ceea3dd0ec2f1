import type { OpName } from '../../program/attrs.ts'
import type { Step } from '../../program/step.ts'
import { softmax } from '../attention.ts'
import { dispatchesOf, formulaOf } from '../index.ts'
import type { Dispatch, Op, OpContext } from '../op.ts'
import * as attention from './attention.ts'
import * as elementwise from './elementwise.ts'
import * as linear from './linear.ts'
import * as loss from './loss.ts'
import * as norm from './norm.ts'
import * as optimizers from './optimizers.ts'
import * as preference from './preference.ts'
import * as rope from './rope.ts'
import type { BackwardRule } from './tape.ts'

/** Every op that only training has. */
const TRAIN_OPS: { readonly [O in OpName]?: Op<O> } = {
  activation_dx: elementwise.activationDx,
  adafactor: optimizers.adafactorPass,
  adafactor_clip: optimizers.adafactorPass,
  adafactor_columns: optimizers.adafactorPass,
  adafactor_means: optimizers.adafactorPass,
  adafactor_rows: optimizers.adafactorPass,
  adafactor_squares: optimizers.adafactorPass,
  adamw: optimizers.adamw,
  clip: optimizers.clip,
  context_dprobs: attention.contextDprobs,
  context_dv: attention.contextDv,
  dense_context: attention.denseContext,
  dense_scores: attention.denseScores,
  dense_softmax: softmax,
  gate_dx: elementwise.gateDx,
  linear_dx: linear.linearDx,
  logits_dy: loss.logitsDy,
  lora_da: linear.loraDa,
  lora_db: linear.loraDb,
  lora_du: linear.loraDu,
  loss: loss.loss,
  loss_fold: loss.lossFold,
  mean_loss: loss.meanLoss,
  mean_preference: preference.meanPreference,
  norm_dx: norm.normDx,
  preference_pairs: preference.preferencePairs,
  preference_weights: preference.preferenceWeights,
  publish: optimizers.publish,
  rope_dx: rope.ropeDx,
  scaled: elementwise.scaled,
  scores_dk: attention.scoresDk,
  scores_dq: attention.scoresDq,
  sgd: optimizers.sgd,
  softcap_dx: attention.softcapDx,
  softmax_dx: attention.softmaxDx,
  square_sums: optimizers.squareSums,
  sum: elementwise.sum,
  unpack_rows: loss.unpackRows,
}

/** Backward rules by op. An op without one cannot be trained through. */
const RULES: { readonly [O in OpName]?: BackwardRule<O> } = {
  activation: elementwise.activationRule,
  add: elementwise.addRule,
  dense_context: attention.contextRule,
  dense_scores: attention.scoresRule,
  dense_softmax: attention.softmaxRule,
  gate: elementwise.gateRule,
  layer_norm: norm.layerNormRule,
  linear: linear.linearRule,
  position_scale: elementwise.positionScaleRule,
  positions: elementwise.positionsRule,
  rms_norm: norm.rmsNormRule,
  rope: rope.ropeRule,
}

/** The backward rule of a step's op; undefined where there is none. */
export function ruleOf(step: Step): BackwardRule<OpName> | undefined {
  return RULES[step.op] as BackwardRule<OpName> | undefined
}

/** How a step of a training program is dispatched. */
export function trainDispatchesOf(step: Step, context: OpContext): Dispatch[] {
  const op = TRAIN_OPS[step.op] as Op<OpName> | undefined
  return op ? op.dispatches(step, context) : dispatchesOf(step, context)
}

/** What a step of a training program computes, with its own numbers. */
export function trainFormulaOf(step: Step): string {
  const op = TRAIN_OPS[step.op] as Op<OpName> | undefined
  return op ? op.formula(step) : formulaOf(step)
}
