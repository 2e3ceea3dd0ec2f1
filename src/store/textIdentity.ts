import type { Model } from '../api/model.ts'

/** The adapters that act on a model, as one key: measurements of a text under the same key are of the same scales. */
export async function scalesKey(model: Model): Promise<string> {
  const adapters = await model.listAdapters()
  return adapters.map(({ id, scale }) => `${id}:${scale}`).join(' ')
}

export function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && beginsWith(a, b)
}

/** True when `first` is how `ids` begin. */
export function beginsWith(ids: readonly number[], first: readonly number[]): boolean {
  return first.every((id, index) => id === ids[index])
}
