import type { Model } from '../api/model.ts'
import { textInContext } from '../text/tokenTexts.ts'

/** Texts of ids that were looked up, of one model. */
export class IdTexts {
  readonly #known = new Map<string, string>()

  /** What an id adds to the text behind these ids; alone where it adds nothing there. */
  async read(model: Model, before: readonly number[], id: number): Promise<string> {
    // What ends a character depends on how it began.
    const inContext = `${before.slice(-3).join()}:${id}`
    const known = this.#known.get(`${id}`) ?? this.#known.get(inContext)
    if (known !== undefined) return known
    const added = await textInContext(model, before, id)
    const text = added === '' ? await model.decode([id]) : added
    this.#known.set(/^[ -~]+$/.test(added) ? `${id}` : inContext, text)
    return text
  }

  clear(): void {
    this.#known.clear()
  }
}
