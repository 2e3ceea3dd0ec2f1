import type { Model } from '../api/model.ts'
import { textInContext } from '../text/tokenTexts.ts'

/** Texts of ids that were looked up, of one model. */
export class TokenTexts {
  private readonly known = new Map<string, string>()

  /** Text an id would add after these ids; \ufffd for a part of a character, empty when it has none. */
  async lookUp(model: Model, before: readonly number[], id: number): Promise<string> {
    // What ends a character depends on how it began.
    const key = `${before.slice(-3).join()}:${id}`
    const known = this.known.get(`${id}`) ?? this.known.get(key)
    if (known !== undefined) return known
    const text = await textInContext(model, before, id)
    const alone = text === '' ? await model.decode([id]) : text
    this.known.set(/^[ -~]+$/.test(text) ? `${id}` : key, alone)
    return alone
  }
}
