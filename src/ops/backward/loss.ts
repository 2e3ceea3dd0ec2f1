import dyWgsl from '../../../shaders/backward/logits_dy.wgsl?raw'
import lossWgsl from '../../../shaders/backward/loss.wgsl?raw'
import foldWgsl from '../../../shaders/backward/loss_fold.wgsl?raw'
import meanWgsl from '../../../shaders/backward/mean_loss.wgsl?raw'
import unpackWgsl from '../../../shaders/backward/unpack_rows.wgsl?raw'
import weightMeanWgsl from '../../../shaders/backward/weight_mean.wgsl?raw'
import weightRowsWgsl from '../../../shaders/backward/weight_rows.wgsl?raw'
import { kernel, reduceProvider } from '../../gpu/providers.ts'
import { shapeOf, widthOf } from '../../program/step.ts'
import { inputOf, read, write, type Op } from '../op.ts'

/** Tensors that no step makes: the next token of each counted row, the numbers of an optimiser step, and what it reports. */
export const TARGETS = 'targets'
export const CONTROL = 'control'
export const STATISTICS = 'statistics'

/** The log of a softmax over the vocabulary, tile by tile: logits of all rows never lie in memory at once. */
export const lossFold: Op<'loss_fold'> = {
  formula: ({ attrs }) => `peak, Σ e^(logit − peak) and the target’s logit, up to token ${attrs.end - 1}`,
  dispatches(step, context) {
    const { begin, end } = step.attrs
    const [rows = 0] = shapeOf(step)
    const isFirst = step.inputs.length < 2
    const providers = [reduceProvider(context.variant)]
    return [
      {
        shader: kernel({ name: 'loss_fold', text: foldWgsl }, providers, { FIRST: isFirst ? 1 : 0 }),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(TARGETS)),
          write(4, context.tensor(step.name)),
          read(5, inputOf(step, isFirst ? 0 : 1, context)),
        ],
        params: { n: end - begin, begin },
        grid: [rows, 1, 1],
      },
    ]
  },
}

export const loss: Op<'loss'> = {
  formula: () => 'loss = ln Σ e^logit − logit[target]',
  dispatches(step, context) {
    const [rows = 0] = shapeOf(step)
    return [
      {
        shader: kernel({ name: 'loss', text: lossWgsl }, []),
        bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
        params: { n: rows },
        grid: [Math.ceil(rows / context.variant.workgroup), 1, 1],
      },
    ]
  },
}

export const meanLoss: Op<'mean_loss'> = {
  formula: () => 'loss = Σ loss / counted tokens',
  dispatches(step, context) {
    return [
      {
        shader: kernel({ name: 'mean_loss', text: meanWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(CONTROL)),
          write(4, context.tensor(step.name)),
        ],
        params: { n: 1 },
        grid: [1, 1, 1],
      },
    ]
  },
}

const weightMean = { name: 'backward/weight_mean.wgsl', text: weightMeanWgsl }
const weightRows = { name: 'backward/weight_rows.wgsl', text: weightRowsWgsl }

export const logitsDy: Op<'logits_dy'> = {
  formula: ({ inputs }) =>
    `d logits = (softmax(logits) − [target])${inputs.length > 2 ? '·weight / pairs' : ' / counted tokens'}`,
  dispatches(step, context) {
    const { begin, scale, softcap } = step.attrs
    const [rows = 0, n = 0] = shapeOf(step)
    const isWeighted = step.inputs.length > 2
    return [
      {
        shader: kernel({ name: 'logits_dy', text: dyWgsl }, [isWeighted ? weightRows : weightMean]),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.tensor(TARGETS)),
          write(4, context.tensor(step.name)),
          read(5, inputOf(step, 1, context)),
          read(6, context.tensor(CONTROL)),
          ...(isWeighted ? [read(7, inputOf(step, 2, context))] : []),
        ],
        params: { n, begin, scale, softcap: softcap ?? 0 },
        grid: [Math.ceil(n / context.variant.workgroup), rows, 1],
      },
    ]
  },
}

export const unpackRows: Op<'unpack_rows'> = {
  formula: () => 'dx of the counted rows, 0 for the others',
  dispatches(step, context) {
    const { size, variant } = context
    const n = widthOf(step)
    return [size.rows, size.logitRows].map((rows, PLACE) => ({
      shader: kernel({ name: 'unpack_rows', text: unpackWgsl }, [], { PLACE }),
      bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
      params: { n },
      grid: [Math.ceil(n / variant.workgroup), rows, 1] as const,
    }))
  },
}
