import embedWgsl from '../../shaders/ops/embed.wgsl?raw'
import { kernel, weightsProvider } from '../gpu/providers.ts'
import { read, write, type Op } from './op.ts'

/** Embedding rows by token id, plus learned positions where the model has them. One dispatch per shard of the table. */
export const embed: Op = {
  formula: (_, { spec }) => (spec.weights.positions ? 'x = E[token] + P[position]' : 'x = E[token]'),
  dispatches(step, context) {
    const { spec, rows } = context.program
    const view = context.matrix(step.weights[0] ?? 'embed')
    const k4 = Math.ceil(spec.hidden / 4)
    const learned = spec.weights.positions !== null
    const shader = kernel({ name: 'embed', text: embedWgsl }, [
      weightsProvider(view.matrix.format, context.variant),
      learned ? 'positions_learned' : 'positions_none',
    ])
    return view.matrix.shards.map((shard) => ({
      shader,
      bindings: [
        read(2, context.drawn),
        read(3, shard.buffer.gpu),
        write(4, context.tensor(step.name)),
        ...(learned ? [read(5, context.vector(step.weights[1] ?? 'positions'))] : []),
      ],
      params: [k4, shard.begin, shard.end - shard.begin, shard.stride, shard.scalesWord, k4, 0, 0],
      grid: [Math.ceil(k4 / context.variant.workgroup), rows, 1],
    }))
  },
}
