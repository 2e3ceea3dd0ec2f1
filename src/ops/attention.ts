import joinWgsl from '../../shaders/ops/attention_join.wgsl?raw'
import pageWgsl from '../../shaders/ops/attention_page.wgsl?raw'
import prefillWgsl from '../../shaders/ops/attention_prefill.wgsl?raw'
import splitWgsl from '../../shaders/ops/attention_split.wgsl?raw'
import contextWgsl from '../../shaders/ops/context.wgsl?raw'
import scoresWgsl from '../../shaders/ops/scores.wgsl?raw'
import softmaxWgsl from '../../shaders/ops/softmax.wgsl?raw'
import type { Variant } from '../api/model.ts'
import { invariant } from '../errors.ts'
import { kernel, reduceProvider, type ProviderName } from '../gpu/providers.ts'
import { PAGE } from '../program/batchLayout.ts'
import type { ScoresAttrs, Window } from '../program/attrs.ts'
import { shapeOf, type Step } from '../program/step.ts'
import { scoresFormula, seenFormula } from './formulas.ts'
import { keysRead, kvConsts, valuesRead, type KvPages } from './kvFormats.ts'
import { MATVEC_ROWS } from './linear.ts'
import {
  inputOf,
  read,
  vectorOf,
  write,
  type Binding,
  type Dispatch,
  type KernelParams,
  type Op,
  type OpContext,
  type OpStep,
} from './op.ts'

/** Positions one part of decode attention covers: a workgroup's, or of a single thread's. */
export function splitPositions({ threadPerOutput }: Variant): number {
  return threadPerOutput ? PAGE : 128
}

/** Query heads of one key-value head that a workgroup of decode attention holds in shared memory at default limits. */
const MAX_GROUP = 16

function largestDivisor(count: number, most: number): number {
  let divisor = Math.min(count, most)
  while (count % divisor !== 0) divisor--
  return divisor
}

/** No window, for the kernels. */
const NO_WINDOW = 0xffff_ffff

export const windowParam = (window: Window): number => window ?? NO_WINDOW

function layerPages(step: Step, context: OpContext): KvPages {
  invariant(step.layer !== null, `${step.name} is in a layer`)
  return context.pages(step.layer)
}

const isSunk = ({ params }: Pick<Step, 'params'>): boolean => params.length > 0

const sinkProvider = (step: Step): ProviderName => (isSunk(step) ? 'sinks_learned' : 'sinks_none')

/** The learned scores that take part in the softmax, where there are any. */
const sinkBinding = (step: Step, context: OpContext): Binding[] =>
  isSunk(step) ? [read(6, vectorOf(step, 0, context))] : []

const sinkFormula = (step: Pick<Step, 'params'>): string => (isSunk(step) ? ' and a sink' : '')

const capProvider = (softcap: number | null): ProviderName =>
  softcap === null ? 'softcap_none' : 'softcap_tanh'

function scoreParams({ heads, kvHeads, scale, softcap }: ScoresAttrs): KernelParams {
  return { heads, kv_heads: kvHeads, scale, softcap: softcap ?? 0 }
}

/** What each query makes of each key, before any mask. */
export const scores: Op<'scores'> = {
  formula: ({ attrs }) => `s = ${scoresFormula(attrs)}`,
  dispatches(step, context) {
    const [heads = 0, rows = 0, positions = 0] = shapeOf(step)
    const { attrs } = step
    const pages = layerPages(step, context)
    return [
      {
        shader: kernel(
          { name: 'scores', text: scoresWgsl },
          [capProvider(attrs.softcap), pages.format.read],
          kvConsts(attrs.headDim),
        ),
        bindings: [read(2, inputOf(step, 0, context)), keysRead(pages), write(4, context.tensor(step.name))],
        params: { ...scoreParams(attrs), head_dim: attrs.headDim, positions, rows },
        grid: [Math.ceil(positions / context.variant.workgroup), rows, heads],
      },
    ]
  },
}

type SoftmaxStep = OpStep<'softmax'> | OpStep<'dense_softmax'>

/** Softmax over the positions that a row sees, whether or not they lie in pages. */
export const softmax = {
  formula: (step: SoftmaxStep) => `p = softmax(s) over ${seenFormula(step.attrs)}${sinkFormula(step)}`,
  dispatches(step: SoftmaxStep, context: OpContext): Dispatch[] {
    const [heads = 0, rows = 0, positions = 0] = shapeOf(step)
    return [
      {
        shader: kernel({ name: 'softmax', text: softmaxWgsl }, [
          'visible',
          sinkProvider(step),
          reduceProvider(context.variant),
        ]),
        bindings: [
          read(2, inputOf(step, 0, context)),
          write(4, context.tensor(step.name)),
          ...sinkBinding(step, context),
        ],
        params: { rows, positions, window: windowParam(step.attrs.window) },
        grid: [rows, heads, 1],
      },
    ]
  },
}

/** Values weighted by their probabilities. */
export const weightedValues: Op<'context'> = {
  formula: () => 'context = p·V',
  dispatches(step, context) {
    const { rows, positions } = context.size
    const { heads, kvHeads, headDim, window } = step.attrs
    const pages = layerPages(step, context)
    return [
      {
        shader: kernel(
          { name: 'context', text: contextWgsl },
          ['visible', pages.format.read],
          kvConsts(headDim),
        ),
        bindings: [
          read(2, inputOf(step, 0, context)),
          valuesRead(pages),
          write(4, context.tensor(step.name)),
        ],
        params: { heads, kv_heads: kvHeads, head_dim: headDim, positions, rows, window: windowParam(window) },
        grid: [Math.ceil((heads * headDim) / context.variant.workgroup), rows, 1],
      },
    ]
  },
}

function prefill(step: OpStep<'attention'>, context: OpContext): Dispatch[] {
  const { attrs } = step
  const pages = layerPages(step, context)
  return [
    {
      shader: kernel(
        { name: 'attention_prefill', text: prefillWgsl },
        ['visible', capProvider(attrs.softcap), sinkProvider(step), pages.format.read],
        kvConsts(attrs.headDim),
      ),
      bindings: [
        read(2, inputOf(step, 0, context)),
        keysRead(pages),
        valuesRead(pages),
        write(5, context.tensor(step.name)),
        ...sinkBinding(step, context),
      ],
      params: { ...scoreParams(attrs), window: windowParam(attrs.window) },
      // As many tiles as rows can split into: a tile ends with its sequence.
      grid: [context.size.rows, attrs.heads, 1],
    },
  ]
}

function decode(step: OpStep<'attention'>, context: OpContext): Dispatch[] {
  const { variant, size } = context
  const { attrs } = step
  const { heads, kvHeads, headDim } = attrs
  const pages = layerPages(step, context)
  const split = splitPositions(variant)
  const splits = Math.ceil(size.positions / split)
  const parts = context.scratch(size.rows * heads * splits * (headDim + 4) * 4)
  const consts = { ...kvConsts(headDim), SPLIT: split }
  const group = heads / kvHeads
  const window = windowParam(attrs.window)
  // Heads that one thread takes together, or one workgroup: they read the same keys and values.
  const together = largestDivisor(group, 4)
  const shared = variant.threadPerOutput ? group : largestDivisor(group, MAX_GROUP)
  const half = variant.threadPerOutput
    ? { name: 'attention_page', text: pageWgsl }
    : { name: 'attention_split', text: splitWgsl }
  const providers = ['visible', capProvider(attrs.softcap), pages.format.read] as const
  return [
    {
      shader: kernel(half, providers, { ...consts, GROUP: shared, HEADS: together }),
      bindings: [read(2, inputOf(step, 0, context)), keysRead(pages), valuesRead(pages), write(5, parts)],
      params: { ...scoreParams(attrs), splits, window },
      grid: variant.threadPerOutput
        ? [Math.ceil((splits * heads) / together / variant.workgroup), size.rows, 1]
        : [splits, heads / shared, size.rows],
    },
    {
      shader: kernel({ name: 'attention_join', text: joinWgsl }, ['visible', sinkProvider(step)], consts),
      bindings: [read(2, parts), write(4, context.tensor(step.name)), ...sinkBinding(step, context)],
      params: { heads, splits, window },
      grid: [Math.ceil((heads * headDim) / 4 / variant.workgroup), size.rows, 1],
    },
  ]
}

/** Attention over pages without storing the probabilities (Dao et al. 2022; split-KV decoding). */
export const attention: Op<'attention'> = {
  formula: (step) =>
    `context = softmax(${scoresFormula(step.attrs)})·V over ${seenFormula(step.attrs)}${sinkFormula(step)}`,
  dispatches: (step, context) => (context.size.rows <= MATVEC_ROWS ? decode : prefill)(step, context),
}
