import type { AppStore } from '../../../state/app.ts'
import { TokenscopeError } from '../../../errors.ts'
import type { Edit, Model } from '../../../api/model.ts'
import { scaleEdits, stepsOfPart } from '../../../analysis/ablation.ts'
import { readAnatomy, type Anatomy } from '../../../analysis/anatomy.ts'
import { directionBetween, readActivation } from '../../../analysis/steering.ts'
import type { Change, EditEntry, Span } from './store.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import { scalesKey } from '../../../state/textIdentity.ts'

/** Steps an entry acts at, as the engine names them: of a whole layer all its outputs, without which the stream passes it by. */
export function stepsOfChange(anatomy: Anatomy, change: Change): string[] {
  if (change.kind === 'mask') return [anatomy.layers[change.layer]?.attention?.scores ?? '']
  return stepsOfPart(anatomy, change.step)
}

function reach(span: Span): { from?: number; to?: number } {
  switch (span.kind) {
    case 'all':
      return {}
    case 'from':
      return { from: span.from }
    case 'range':
      return { from: span.from, to: span.to }
    case 'token':
      return { from: span.at, to: span.at + 1 }
  }
}

/** Activations that recipes ask for, of the model and the scales they were last asked under. */
export class Activations {
  private of: { model: Model; scales: string } | null = null
  private readonly rows = new Map<string, Promise<Float32Array>>()
  private readonly app: AppStore

  constructor(app: AppStore) {
    this.app = app
  }

  /** What the engine takes for these entries. @throws `bad-argument` when a prompt has no such position. */
  async editsFor(model: Model, entries: readonly EditEntry[]): Promise<Edit[]> {
    const edits: Edit[] = []
    for (const { change } of entries) edits.push(...(await this.editsOf(model, change)))
    return edits
  }

  /** What two prompts compute at a step behind their last tokens, `[hidden]` each. */
  async ends(
    model: Model,
    step: string,
    toward: string,
    away: string,
  ): Promise<{ to: Float32Array; from: Float32Array }> {
    return { to: await this.row(model, toward, step, null), from: await this.row(model, away, step, null) }
  }

  private async editsOf(model: Model, change: Change): Promise<Edit[]> {
    switch (change.kind) {
      case 'scale':
        return scaleEdits(await readAnatomy(model), change, change.factor, reach(change.span))
      case 'steer': {
        const { step, toward, away, factor, span } = change
        const { to, from } = await this.ends(model, step, toward, away)
        return [{ kind: 'add', step, vector: directionBetween(to, from), factor, ...reach(span) }]
      }
      case 'patch': {
        const { step, position, source } = change
        const values = await this.row(model, source.prompt, source.step, source.position)
        return [{ kind: 'patch', step, position, values }]
      }
      case 'mask': {
        const { head, query, key } = change
        const steps = stepsOfChange(await readAnatomy(model), change)
        return steps.map((step) => ({ kind: 'mask', step, query, key, ...(head !== null && { head }) }))
      }
    }
  }

  /** One row of a step over a prompt; null: behind its last token. */
  private async row(
    model: Model,
    prompt: string,
    step: string,
    position: number | null,
  ): Promise<Float32Array> {
    const scales = await scalesKey(model)
    if (this.of?.model !== model || this.of.scales !== scales) {
      this.of = { model, scales }
      this.rows.clear()
    }
    const { parseSpecial } = this.app.getState()
    const key = JSON.stringify([prompt, parseSpecial, step, position])
    const read = async () =>
      activationOf(
        model,
        { prompt, ids: await encodePrompt(model, prompt, { parseSpecial }) },
        step,
        position,
      )
    const pending = this.rows.get(key) ?? read()
    this.rows.set(key, pending)
    // What failed is asked for anew next time.
    pending.catch(() => this.rows.delete(key))
    return pending
  }
}

async function activationOf(
  model: Model,
  { prompt, ids }: { prompt: string; ids: readonly number[] },
  step: string,
  position: number | null,
): Promise<Float32Array> {
  const row = position ?? ids.length - 1
  if (row < ids.length) return readActivation(model, ids, step, row)
  throw new TokenscopeError('bad-argument', `“${prompt}” has no ${step} at position ${row}.`, {
    hint: 'The edit was made for another text: remove it.',
    details: { step, got: row, tokens: ids.length },
  })
}
