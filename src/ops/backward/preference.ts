import meanWgsl from '../../../shaders/backward/mean_preference.wgsl?raw'
import pairsWgsl from '../../../shaders/backward/preference_pairs.wgsl?raw'
import weightsWgsl from '../../../shaders/backward/preference_weights.wgsl?raw'
import { kernel } from '../../gpu/providers.ts'
import { shapeOf, type Axis, type Step } from '../../program/step.ts'
import { inputOf, read, write, type Op } from '../op.ts'
import { CONTROL, STATISTICS } from './loss.ts'

/** Tensor that no step makes: of each counted row, 4·pair + which of the pair's texts it is of. */
export const PARTS = 'parts'

export const preferencePairs: Op<'preference_pairs'> = {
  formula: () => '−ln σ(r₊ − r₋), r₊, r₋, β·σ(r₋ − r₊) with r = β·(ln π − ln π of the reference)',
  dispatches(step, context) {
    const [pairs = 0] = shapeOf(step)
    return [
      {
        shader: kernel({ name: 'preference_pairs', text: pairsWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(PARTS)),
          write(4, context.tensor(step.name)),
          read(5, context.tensor(CONTROL)),
        ],
        params: { n: pairs },
        grid: [Math.ceil(pairs / context.variant.workgroup), 1, 1],
      },
    ]
  },
}

export const preferenceWeights: Op<'preference_weights'> = {
  formula: () => 'β·σ(r₋ − r₊) where chosen, −β·σ(r₋ − r₊) where rejected, 0 for the reference',
  dispatches(step, context) {
    const [rows = 0] = shapeOf(step)
    return [
      {
        shader: kernel({ name: 'preference_weights', text: weightsWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(PARTS)),
          write(4, context.tensor(step.name)),
        ],
        params: { n: rows },
        grid: [Math.ceil(rows / context.variant.workgroup), 1, 1],
      },
    ]
  },
}

export const meanPreference: Op<'mean_preference'> = {
  formula: ({ attrs }) => `means over the ${attrs.pairs} pairs of a batch: loss, r₊, r₋, share of r₊ > r₋`,
  dispatches(step, context) {
    return [
      {
        shader: kernel({ name: 'mean_preference', text: meanWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(CONTROL)),
          write(4, context.tensor(step.name)),
        ],
        params: { n: step.attrs.pairs },
        grid: [1, 1, 1],
      },
    ]
  },
}

const PLAIN = { layer: null, params: [], stream: null, saves: [], rows: 'packed', covers: [] } as const
const PAIRS = 'loss.pairs'

/** Name of the step that weighs the counted rows. */
export const WEIGHTS = 'loss.weights'

/** From the loss of each counted token to what its pair makes of it. */
export function preferenceSteps(rows: Axis, pairs: number): Step[] {
  return [
    {
      ...PLAIN,
      name: PAIRS,
      op: 'preference_pairs',
      inputs: ['loss'],
      attrs: {},
      axes: [
        { kind: 'rows', size: pairs },
        { kind: 'features', size: 4 },
      ],
      flops: rows.size + 12 * pairs,
    },
    {
      ...PLAIN,
      name: WEIGHTS,
      op: 'preference_weights',
      inputs: [PAIRS],
      attrs: {},
      axes: [rows],
      flops: rows.size,
    },
  ]
}

/** Adds the means over the pairs to the statistics of the optimiser step. */
export function meanPreferenceStep(pairs: number): Step {
  return {
    ...PLAIN,
    name: STATISTICS,
    op: 'mean_preference',
    inputs: [PAIRS],
    attrs: { pairs },
    axes: [{ kind: 'features', size: 8 }],
    flops: 4 * pairs,
  }
}
