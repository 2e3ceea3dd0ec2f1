import { TokenscopeError, invariant } from '../errors.ts'
import { lossSteps, vocabularyTiles } from '../ops/backward/head.ts'
import { STATISTICS } from '../ops/backward/loss.ts'
import { meanPreferenceStep, preferenceSteps, WEIGHTS } from '../ops/backward/preference.ts'
import type { OpStep } from '../ops/op.ts'
import { isOp, type Program, type Step } from '../program/step.ts'
import type { VocabularyTile } from '../program/trainAttrs.ts'

/** A forward over whole texts that ends in the loss of its counted rows. */
export interface LossProgram extends Program {
  /** The product that gives logits; the steps hold its tiles in place of it. */
  readonly lmHead: OpStep<'linear'>
  readonly tiles: readonly VocabularyTile[]
  /** Step that says what each counted row weighs; null: all the same. */
  readonly weights: string | null
  /** Adds what a batch comes to to the statistics of the optimiser step. */
  readonly mean: Step
}

/** Attention that reads its keys and values from the rows themselves instead of pages. */
function dense(steps: readonly Step[]): Step[] {
  const kept = new Map(steps.filter((step) => isOp(step, 'cache')).map(({ name, inputs }) => [name, inputs]))
  const read = (name: string | undefined, which: 0 | 1): string => {
    const input = kept.get(name ?? '')?.[which]
    invariant(input, 'attention reads what the cache was given')
    return input
  }
  return steps.flatMap((step): Step[] => {
    const [first = '', cache] = step.inputs
    if (isOp(step, 'cache')) return []
    if (isOp(step, 'scores')) {
      if (step.attrs.mask !== undefined && step.attrs.mask !== 'causal') throw sees(step)
      return [{ ...step, op: 'dense_scores', inputs: [first, read(cache, 0)] }]
    }
    if (isOp(step, 'softmax')) return [{ ...step, op: 'dense_softmax' }]
    if (isOp(step, 'context')) return [{ ...step, op: 'dense_context', inputs: [first, read(cache, 1)] }]
    return [step]
  })
}

function sees({ name, attrs }: OpStep<'scores'>): TokenscopeError {
  return new TokenscopeError('unsupported', `${name} sees later positions, which cannot be trained here.`, {
    hint: 'Models that predict the next token from those before can.',
    details: { step: name, mask: attrs.mask },
  })
}

/**
 * Makes of a recorded forward one over whole texts, with their loss behind the head. `pairs`: the texts are so many preferences, whose
 * loss goes by the rewards of their answers; null: the loss is the mean over the counted rows.
 */
export function lossProgram(recorded: Program, pairs: number | null = null): LossProgram {
  const lmHead = recorded.steps.at(-1)
  if (!isOp(lmHead, 'linear') || lmHead.rows !== 'logits') {
    throw new TokenscopeError(
      'unsupported',
      `A model that ends in ${lmHead?.name ?? 'nothing'} cannot be trained.`,
      {
        hint: 'Models that predict the next token can.',
        details: { step: lmHead?.name, op: lmHead?.op },
      },
    )
  }
  const [rows] = lmHead.axes
  invariant(rows, 'the head has rows')
  const preferences = pairs === null ? [] : preferenceSteps(rows, pairs)
  const tiles = vocabularyTiles(lmHead.axes[1]?.size ?? 0, recorded.logitRows)
  return {
    ...recorded,
    steps: [...dense(recorded.steps.slice(0, -1)), ...lossSteps(lmHead, tiles), ...preferences],
    lmHead,
    tiles,
    weights: pairs === null ? null : WEIGHTS,
    mean: pairs === null ? meanLossStep : meanPreferenceStep(pairs),
  }
}

/** Adds the mean of the losses to the statistics of the optimiser step. */
const meanLossStep: Step = {
  name: STATISTICS,
  op: 'mean_loss',
  layer: null,
  inputs: ['loss'],
  params: [],
  attrs: {},
  axes: [{ kind: 'features', size: 8 }],
  stream: null,
  saves: [],
  rows: 'packed',
  flops: 0,
  covers: [],
}
