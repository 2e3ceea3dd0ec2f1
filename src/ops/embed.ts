import embedWgsl from '../../shaders/ops/embed.wgsl?raw'
import { kernel } from '../gpu/providers.ts'
import { widthOf } from '../program/step.ts'
import { formatNumber } from './formulas.ts'
import { elementGrid, read, vectorOf, write, type Op } from './op.ts'
import { planeParams } from './operands.ts'

/** Embedding rows by token id, plus learned positions where the model has them. One dispatch per shard of the table. */
export const embed: Op<'embed'> = {
  formula: ({ attrs, params }) =>
    `x = ${attrs.scale === 1 ? '' : `${formatNumber(attrs.scale)}·`}E[token]${params.length > 1 ? ' + P[position]' : ''}`,
  dispatches(step, context) {
    const { matrix } = context.matrix(step.params[0]?.name ?? '')
    const k4 = Math.ceil(widthOf(step) / 4)
    const learned = step.params.length > 1
    const shader = kernel({ name: 'embed', text: embedWgsl }, [
      ...matrix.format.providers(context.variant),
      learned ? 'positions_learned' : 'positions_none',
    ])
    return matrix.shards.map((shard) => ({
      shader,
      bindings: [
        read(2, context.sampledTokens),
        read(3, shard.buffer.gpu),
        write(4, context.tensor(step.name)),
        ...(learned ? [read(5, vectorOf(step, 1, context))] : []),
      ],
      params: {
        k4,
        w_first: shard.begin,
        w_count: shard.end - shard.begin,
        ...planeParams(shard),
        y_stride4: k4,
        scale: step.attrs.scale,
      },
      grid: elementGrid(k4, context),
    }))
  },
}
