import type { Model } from '../api/model.ts'
import type { Session } from './session.ts'

/** The adapters that act on a model, as one key: measurements of a text under the same key are of the same scales. */
export async function scalesKey(model: Model): Promise<string> {
  const adapters = await model.listAdapters()
  return adapters.map(({ id, scale }) => `${id}:${scale}`).join(' ')
}

/** Ids of the text as the model can read it: a token drawn when the context was full has no position of its own. */
export function readableIds({ log, model }: Pick<Session, 'log' | 'model'>): number[] {
  return log.idsBefore(log.tokens.length).slice(0, model?.info.context)
}

export function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && beginsWith(a, b)
}

/** True when `first` is how `ids` begin. */
export function beginsWith(ids: readonly number[], first: readonly number[]): boolean {
  return first.every((id, index) => id === ids[index])
}
