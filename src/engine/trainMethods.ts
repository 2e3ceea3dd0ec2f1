import type { Model } from '../api/model.ts'
import type { EngineContext } from './context.ts'

const training = () => import('./training.ts')

/** How a model learns. The code is read when it does. */
export function trainMethods(
  context: EngineContext,
): Pick<Model, 'newAdapter' | 'gradients' | 'train' | 'trainingState'> {
  return {
    newAdapter: async (options) => (await training()).newAdapter(context, options),
    gradients: async (...args) => (await training()).gradients(context, ...args),
    trainingState: async (id) => (await training()).trainingState(context, id),
    async *train(...args) {
      yield* (await training()).train(context, ...args)
    },
  }
}
