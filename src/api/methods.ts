import type { Inspection } from './inspect.ts'
import type { Model } from './model.ts'

/**
 * How a method answers: `call` once, with plain data; `stream` piece by piece; `paced` likewise, each piece made once the one before
 * was taken; `handle` with an object that stays open until it is ended. The page's side and the worker's side of a method are both
 * made from this word.
 */
export type Kind = 'call' | 'stream' | 'paced' | 'handle'

type Method = (...args: never) => unknown

type KindOf<F> = F extends (...args: never) => infer Answer
  ? Answer extends AsyncIterable<unknown>
    ? 'stream' | 'paced'
    : Awaited<Answer> extends Inspection | Model
      ? 'handle'
      : 'call'
  : never

/** The kind of every method of an interface, as their types say it. */
export type KindsOf<T> = { readonly [K in keyof T as T[K] extends Method ? K : never]: KindOf<T[K]> }

/** Everything of an interface that is no method. */
export type DataOf<T> = { readonly [K in keyof T as T[K] extends Method ? never : K]: T[K] }

/** Every method of a {@link Model}, once. */
export const METHODS = {
  encode: 'call',
  decode: 'call',
  tokenTexts: 'call',
  alternativeTexts: 'call',
  applyChatTemplate: 'call',
  chatTemplate: 'call',
  companions: 'call',
  logits: 'call',
  fillMask: 'call',
  generate: 'stream',
  logitsAt: 'call',
  tokenLogits: 'call',
  steps: 'call',
  trace: 'call',
  traceRows: 'stream',
  addAdapter: 'call',
  newAdapter: 'call',
  gradients: 'call',
  train: 'paced',
  trainingState: 'call',
  prepareAdapters: 'call',
  setAdapterScale: 'call',
  removeAdapter: 'call',
  listAdapters: 'call',
  mergeAdapters: 'call',
  unmergeAdapters: 'call',
  exportAdapter: 'call',
  analyseAdapter: 'call',
  adapterDirections: 'call',
  adapterSimilarity: 'call',
  compare: 'stream',
  inspect: 'handle',
  lens: 'call',
  attribution: 'call',
  editEffects: 'stream',
  fork: 'call',
  expand: 'call',
  score: 'stream',
  speculate: 'stream',
  precision: 'stream',
  cache: 'call',
  saveTrace: 'call',
  selfTest: 'call',
  watchValues: 'call',
  watchedValues: 'call',
  memory: 'call',
  counters: 'call',
  dispose: 'call',
} as const satisfies KindsOf<Model>

/** Every method of an {@link Inspection}, once. */
export const INSPECTION_METHODS = {
  read: 'call',
  row: 'call',
  stats: 'call',
  weights: 'call',
  attach: 'call',
  resize: 'call',
  draw: 'call',
  time: 'call',
  close: 'call',
} as const satisfies KindsOf<Inspection>
