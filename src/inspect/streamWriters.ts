import { isOp, type Program, type Step, type StepOf } from '../program/step.ts'

/** An addition to the residual stream, and how far back it is linear. */
export interface StreamWriter {
  readonly layer: number | null
  /** The step whose output is added. */
  readonly step: Step
  /** Factor on it as it is added. */
  readonly scale: number
  /** The norm that makes it, where a block's output is normed first. */
  readonly norm: StepOf<'rms_norm'> | StepOf<'layer_norm'> | null
  /** The product of an attention's heads. */
  readonly projection: StepOf<'linear'> | null
  readonly context: StepOf<'context'> | null
  /** True when adapters act on the projection. */
  readonly isAdapted: boolean
  /** True when an adapter replaces the norm. */
  readonly isNormAdapted: boolean
}

/**
 * Every addition to the residual stream of a recorded forward, in order.
 * @param woven The same forward with adapters, which shows where they act.
 */
export function decompositionOf(recorded: Program, woven: Program): StreamWriter[] {
  const steps = new Map(recorded.steps.map((step) => [step.name, step]))
  const adapted = new Map(woven.steps.map((step) => [step.name, step]))
  const scales = new Map(
    recorded.steps.flatMap((step) =>
      isOp(step, 'add') ? [[step.inputs[1] ?? '', step.attrs.scale] as const] : [],
    ),
  )
  const producer = (step: Step | null): Step | undefined => steps.get(step?.inputs[0] ?? '')
  return recorded.steps
    .filter(({ stream }) => stream === 'writes')
    .map((step): StreamWriter => {
      const norm = isOp(step, 'rms_norm', 'layer_norm') ? step : null
      const product = norm ? producer(norm) : step
      const projection = isOp(product, 'linear') ? product : null
      const context = producer(projection)
      const adaptedStep = adapted.get(projection?.name ?? '')
      const isReplaced = (name: string): boolean => isOp(adapted.get(name), 'blend')
      return {
        layer: step.layer,
        step,
        scale: scales.get(step.name) ?? 1,
        norm,
        projection: isOp(context, 'context') ? projection : null,
        context: isOp(context, 'context') ? context : null,
        isAdapted:
          adaptedStep !== undefined && (isReplaced(adaptedStep.name) || adaptedStep.inputs.length > 1),
        isNormAdapted: norm !== null && isReplaced(norm.name),
      }
    })
}
