import type { Model } from '../api/model.ts'
import type { UnofferedMethod } from './types.ts'

/** What would offer a method that needs the inside of a model. */
export const UNOFFERED_REASONS: Readonly<Record<UnofferedMethod, string>> = {
  chatTemplate: 'an engine renders chats by a template that it does not show; applyChatTemplate asks it to.',
  alternativeTexts: 'it sends the texts of its alternatives with them; tokenTexts and decode read ids.',
  companions: 'its files are elsewhere; a model in this tab has them.',
  logits:
    'engines send log-probabilities of a few alternatives, never all logits; a model in this tab has them.',
  fillMask: 'engines generate; a masked language model in this tab fills masks.',
  logitsAt:
    'engines send log-probabilities of a few alternatives, never all logits; a model in this tab has them.',
  steps: 'an engine does not show its steps; a model in this tab does.',
  trace: 'an engine does not give its activations; a model in this tab does.',
  traceRows: 'an engine does not give its activations; a model in this tab does.',
  inspect: 'an engine does not give its activations; a model in this tab does.',
  lens: 'an engine does not give its residual stream; a model in this tab does.',
  attribution: 'an engine does not give its activations; a model in this tab does.',
  editEffects: 'an engine takes no edits; a model in this tab does.',
  compare: 'it needs whole distributions; run generate twice, or compare models in this tab.',
  speculate: 'an engine speculates by its own settings, unseen; a model in this tab shows it.',
  precision: 'the weights are elsewhere; a model in this tab compares two formats of its own.',
  cache: 'an engine does not show its cache; a model in this tab does.',
  saveTrace: 'there are no activations to save; a model in this tab has them.',
  addAdapter:
    'adapters are given where the engine is started: llama.cpp’s server --lora, vLLM --lora-modules.',
  newAdapter: 'the weights are elsewhere; a model in this tab can be trained.',
  gradients: 'the weights are elsewhere; a model in this tab has gradients.',
  train: 'the weights are elsewhere; a model in this tab can be trained.',
  trainingState: 'the weights are elsewhere; a model in this tab can be trained.',
  removeAdapter: 'adapters stay as the engine was started; scale 0 turns one off.',
  mergeAdapters: 'the weights are elsewhere; a model in this tab can merge.',
  unmergeAdapters: 'the weights are elsewhere; a model in this tab can merge.',
  exportAdapter: 'the weights are elsewhere; a model in this tab can export.',
  analyseAdapter: 'the weights are elsewhere; load the adapter in this tab.',
  adapterDirections: 'the weights are elsewhere; load the adapter in this tab.',
  adapterSimilarity: 'the weights are elsewhere; load the adapters in this tab.',
  selfTest: 'nothing of it runs on this GPU.',
  watchValues: 'an engine does not give its activations; a model in this tab does.',
  watchedValues: 'an engine does not give its activations; a model in this tab does.',
  memory: 'nothing of it is on this GPU; the engine’s own metrics tell of its memory.',
  counters: 'nothing of it runs on this GPU; the engine’s own metrics count its work.',
}

/** Those methods, each failing by `fail`; streams fail when they are read. */
export function refusals(fail: (method: UnofferedMethod) => Error): Pick<Model, UnofferedMethod> {
  const call = (method: UnofferedMethod) => (): Promise<never> => Promise.reject(fail(method))
  const stream = (method: UnofferedMethod) => (): AsyncIterable<never> => ({
    [Symbol.asyncIterator]: () => ({ next: call(method) }),
  })
  return {
    chatTemplate: call('chatTemplate'),
    alternativeTexts: call('alternativeTexts'),
    companions: call('companions'),
    logits: call('logits'),
    fillMask: call('fillMask'),
    logitsAt: call('logitsAt'),
    steps: call('steps'),
    trace: call('trace'),
    traceRows: stream('traceRows'),
    inspect: call('inspect'),
    lens: call('lens'),
    attribution: call('attribution'),
    editEffects: stream('editEffects'),
    compare: stream('compare'),
    speculate: stream('speculate'),
    precision: stream('precision'),
    cache: call('cache'),
    saveTrace: call('saveTrace'),
    addAdapter: call('addAdapter'),
    newAdapter: call('newAdapter'),
    gradients: call('gradients'),
    train: stream('train'),
    trainingState: call('trainingState'),
    removeAdapter: call('removeAdapter'),
    mergeAdapters: call('mergeAdapters'),
    unmergeAdapters: call('unmergeAdapters'),
    exportAdapter: call('exportAdapter'),
    analyseAdapter: call('analyseAdapter'),
    adapterDirections: call('adapterDirections'),
    adapterSimilarity: call('adapterSimilarity'),
    selfTest: call('selfTest'),
    watchValues: call('watchValues'),
    watchedValues: call('watchedValues'),
    memory: call('memory'),
    counters: call('counters'),
  }
}
