import type { Model } from '../api/model.ts'
import { SPELL_WINDOW } from '../text/alternatives.ts'
import { textInContext } from '../text/tokenTexts.ts'

/** Texts of ids that were looked up, of one model. */
export class TokenTexts {
  private readonly cache = new Map<string, string>()

  /** Text an id would add after these ids, parts of a character by name; empty when it has none. */
  async lookUp(model: Model, contextIds: readonly number[], id: number): Promise<string> {
    // What ends a character depends on how it began.
    const key = `${contextIds.slice(-3).join()}:${id}`
    const cached = this.cache.get(`${id}`) ?? this.cache.get(key)
    if (cached !== undefined) return cached
    const window = contextIds.slice(-SPELL_WINDOW)
    const text = model.info.remote
      ? await textInContext(model, contextIds, id)
      : ((await model.alternativeTexts(window, [id]))[0] ?? '')
    this.cache.set(/^[ -~]+$/.test(text) && !text.endsWith('>') ? `${id}` : key, text)
    return text
  }
}
