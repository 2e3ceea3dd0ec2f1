import embedWgsl from '../../shaders/ops/embed.wgsl?raw'
import { kernel } from '../gpu/providers.ts'
import { widthOf } from '../program/step.ts'
import { formatNumber } from './formulas.ts'
import { elementGrid, read, vectorOf, write, type Op } from './op.ts'
import { planeParams } from './operands.ts'
import { raggedConst, storeProviders } from './ragged.ts'

/** Embedding rows by token id, plus learned positions and a token type where the model has them. One dispatch per shard of the table. */
export const embed: Op<'embed'> = {
  formula: ({ attrs, params }) =>
    `x = ${attrs.scale === 1 ? '' : `${formatNumber(attrs.scale)}·`}E[token]${['', ' + P[position]', ' + T[0]'].slice(0, params.length).join('')}`,
  dispatches(step, context) {
    const { matrix } = context.matrix(step.params[0]?.name ?? '')
    const k = widthOf(step)
    const k4 = Math.ceil(k / 4)
    const [, ...added] = step.params
    const providers = [
      ...matrix.format.providers(context.variant),
      (['positions_none', 'positions_learned', 'positions_typed'] as const)[added.length] ?? 'positions_none',
      ...storeProviders(k),
    ] as const
    const shader = kernel({ name: 'embed', text: embedWgsl }, providers, raggedConst(k))
    return matrix.shards.map((shard) => ({
      shader,
      bindings: [
        read(2, context.sampledTokens),
        read(3, shard.buffer.gpu),
        write(4, context.tensor(step.name)),
        ...added.map((_, i) => read(5 + i, vectorOf(step, 1 + i, context))),
      ],
      params: {
        k,
        k4,
        w_first: shard.begin,
        w_count: shard.end - shard.begin,
        ...planeParams(shard),
        scale: step.attrs.scale,
        p_first: step.attrs.firstPosition ?? 0,
      },
      grid: elementGrid(k4, context),
    }))
  },
}
