import type { Model } from '../api/model.ts'
import { SPELL_WINDOW } from '../text/alternatives.ts'
import { textInContext } from '../text/tokenTexts.ts'

/** Texts of ids that were looked up, of one model. */
export class TokenTexts {
  private readonly known = new Map<string, string>()

  /** Text an id would add after these ids, parts of a character by name; empty when it has none. */
  async lookUp(model: Model, before: readonly number[], id: number): Promise<string> {
    // What ends a character depends on how it began.
    const key = `${before.slice(-3).join()}:${id}`
    const known = this.known.get(`${id}`) ?? this.known.get(key)
    if (known !== undefined) return known
    const window = before.slice(-SPELL_WINDOW)
    const text = model.info.remote
      ? await textInContext(model, before, id)
      : ((await model.alternativeTexts(window, [id]))[0] ?? '')
    this.known.set(/^[ -~]+$/.test(text) && !text.endsWith('>') ? `${id}` : key, text)
    return text
  }
}
