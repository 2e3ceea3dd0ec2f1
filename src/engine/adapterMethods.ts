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
  const { adapters, adapterWork } = context
  return {
    addAdapter: (source, options = {}) =>
      context.read(async () => (await adapterWork()).add(source, options)),
    prepareAdapters: () => context.read(async () => (await adapterWork()).prepare()),
    setAdapterScale: (id, scale) => context.read(async () => adapters.setScale(id, scale)),
    removeAdapter: (id) => context.read(() => adapters.remove(id)),
    listAdapters: async () => adapters.list(),
    mergeAdapters: (scales) => context.inTurn(async () => (await adapterWork()).merge(scales)),
    unmergeAdapters: () => context.inTurn(async () => (await adapterWork()).unmerge()),
    exportAdapter: (scales, options = {}) =>
      context.read(async () => (await adapterWork()).export(scales, options)),
    analyseAdapter: (id) => context.read(async () => (await adapterWork()).analyse(id)),
    adapterDirections: (id, step, k) =>
      context.read(async () => (await adapterWork()).directions(id, step, k)),
    adapterSimilarity: async (first, second) => (await adapterWork()).similarity(first, second),
  }
}
