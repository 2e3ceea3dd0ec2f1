import type { Model } from '../api/model.ts'
import type { EngineContext } from './context.ts'

type AdapterMethod =
  | 'addAdapter'
  | 'prepareAdapters'
  | 'setAdapterScale'
  | 'removeAdapter'
  | 'listAdapters'
  | 'mergeAdapters'
  | 'unmergeAdapters'
  | 'exportAdapter'
  | 'analyseAdapter'
  | 'adapterDirections'
  | 'adapterSimilarity'

/** What a model does with adapters. */
export function adapterMethods(context: EngineContext): Pick<Model, AdapterMethod> {
  const { adapters } = context
  return {
    addAdapter: (source, options = {}) => context.read(() => adapters.add(source, options)),
    prepareAdapters: () => context.read(() => adapters.prepare()),
    setAdapterScale: (id, scale) => context.read(async () => adapters.set.setScale(id, scale)),
    removeAdapter: (id) => context.read(() => adapters.set.remove(id)),
    listAdapters: async () => adapters.set.list(),
    mergeAdapters: (scales) => context.inTurn(() => adapters.merge(scales)),
    unmergeAdapters: () => context.inTurn(async () => adapters.unmerge()),
    exportAdapter: (scales, options = {}) => context.read(() => adapters.export(scales, options)),
    analyseAdapter: (id) => context.read(() => adapters.analyse(id)),
    adapterDirections: (id, step, k) => context.read(() => adapters.directions(id, step, k)),
    adapterSimilarity: (first, second) => adapters.similarity(first, second),
  }
}
