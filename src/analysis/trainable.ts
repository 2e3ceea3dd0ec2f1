import type { StepInfo } from '../api/model.ts'
import { EXPERT_OP_NAMES, type OpName } from '../program/attrs.ts'

const WITHOUT_RULE: ReadonlySet<OpName> = new Set([...EXPERT_OP_NAMES, 'scaled_add'])

/**
 * The first step of a forward on the way back that training cannot go through: ops of experts, and what joins a shared
 * one to them, have no backward rule. Undefined where
 * gradients reach everything.
 */
export function untrainableStep<S extends Pick<StepInfo, 'op'>>(steps: readonly S[]): S | undefined {
  return steps.findLast(({ op }) => WITHOUT_RULE.has(op))
}
