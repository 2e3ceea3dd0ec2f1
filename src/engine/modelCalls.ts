import type { ModelCalls } from '../api/source.ts'
import { searchHub } from '../sources/hubApi.ts'
import { listStored, removeStored, verifyStored } from '../sources/kept/storage.ts'
import { openSource } from '../sources/open.ts'
import { inspectSourceFrom } from './inspectSource.ts'
import { keepSource } from './keep.ts'

/** What the engine does with models before one is loaded. */
export function modelCalls(modelsUrl: URL): ModelCalls {
  return {
    inspect: (source, options = {}) => inspectSourceFrom(source, options, modelsUrl),
    search: (words, options = {}) => searchHub(words, options),
    async keep(source, { hub, signal, onProgress } = {}) {
      const opened = await openSource(source, { modelsUrl, hub })
      if (opened.keeps) await keepSource(opened, { signal, onProgress })
    },
    stored: () => listStored(),
    verify: (key, options) => verifyStored(key, options),
    remove: (key) => removeStored(key),
  }
}
