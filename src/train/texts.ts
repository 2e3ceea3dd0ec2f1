import type { TrainExample } from '../api/train.ts'
import { TokenscopeError } from '../errors.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'

/** Texts as rows of one forward, one after the other, with the next token of each counted row. */
export interface PackedTexts {
  readonly rows: readonly BatchRow[]
  /** Rows that gradients flow through: the first ones. */
  readonly learned: number
  /** Ids that the counted rows predict, in the order of the rows. */
  readonly targets: Uint32Array<ArrayBuffer>
  /** Text that each counted row is of. */
  readonly parts: Uint32Array<ArrayBuffer>
}

/** A text of a pass. */
export interface PassText extends TrainExample {
  /** Read without the adapter that learns. */
  readonly isReference?: boolean
}

/** Rows, counted rows and longest text of a forward. */
export interface TextSize {
  readonly rows: number
  readonly counted: number
  readonly longest: number
}

const refuse = (message: string, hint: string, details: Readonly<Record<string, unknown>>): TokenscopeError =>
  new TokenscopeError('bad-argument', message, { hint, details })

/** What a model takes. */
export interface Limits {
  readonly vocab: number
  readonly context: number
}

/** Throws `bad-argument`, naming the example and what is wrong with it. */
export function checkExamples(
  examples: readonly TrainExample[],
  { vocab, context }: Limits,
  nameOf = (example: number): string => `Example ${example}`,
): void {
  if (examples.length === 0) throw refuse('There are no examples.', 'Give at least one.', { examples: 0 })
  for (const [example, { ids, mask }] of examples.entries()) {
    const named = nameOf(example)
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocab)
    if (wrong !== undefined)
      throw refuse(
        `${named} holds the id ${wrong}; ids are whole numbers below ${vocab}.`,
        'Encode the text with this model.',
        { example, id: wrong, vocab },
      )
    if (ids.length > context + 1)
      throw refuse(
        `${named} has ${ids.length} tokens; at most ${context + 1} can be read.`,
        'Shorten it, or load with a longer context.',
        { example, tokens: ids.length, context },
      )
    if (mask.length !== ids.length)
      throw refuse(
        `${named} has ${ids.length} ids and ${mask.length} entries in its mask.`,
        'Give one entry for each id.',
        { example, ids: ids.length, mask: mask.length },
      )
    if (!mask.every((entry) => entry === 0 || entry === 1))
      throw refuse(
        `${named} has an entry in its mask that is neither 0 nor 1.`,
        '1 counts the prediction of that id.',
        { example },
      )
    if (countedOf({ ids, mask }) === 0)
      throw refuse(
        `${named} counts no prediction.`,
        'Set its mask to 1 where an id behind the first is to be learned.',
        { example },
      )
  }
}

/** Predictions that count: nothing predicts the first id. */
export function countedOf({ mask }: TrainExample): number {
  return mask.reduce<number>((sum, entry, i) => sum + (i > 0 ? entry : 0), 0)
}

/** Rows that a text needs: up to the one that makes its last counted prediction. */
export function rowsOfText({ mask }: TrainExample): number {
  return mask.lastIndexOf(1)
}

/** Rows that the texts of one example need. */
export function rowsOfTexts(texts: readonly TrainExample[]): number {
  return texts.reduce((sum, text) => sum + rowsOfText(text), 0)
}

export function sizeOf(texts: readonly TrainExample[]): TextSize {
  const rows = texts.map(rowsOfText)
  return {
    rows: rowsOfTexts(texts),
    counted: texts.reduce((sum, text) => sum + countedOf(text), 0),
    longest: Math.max(0, ...rows),
  }
}

/** No pages: rows of texts that are read whole see each other directly. */
const NO_PAGES: readonly number[] = []

/**
 * Row i of a text predicts its id i + 1. Adapters act at the scales of `policy`, in texts of the reference at others. Those of the reference come
 * last, since no gradient flows through them.
 */
export function packTexts(
  texts: readonly PassText[],
  policy: Float32Array,
  reference: Float32Array = policy,
): PackedTexts {
  const targets: number[] = []
  const parts: number[] = []
  const rowsOf = ({ text, part }: PlacedText): BatchRow[] => {
    const scales = text.isReference ? reference : policy
    return text.ids.slice(0, rowsOfText(text)).map((token, position): BatchRow => {
      const counts = text.mask[position + 1] === 1
      const logits = counts ? plainLogits(targets.length) : undefined
      if (counts) {
        targets.push(text.ids[position + 1] ?? 0)
        parts.push(part)
      }
      return { token, position, pages: NO_PAGES, slot: 0, textLength: text.ids.length, scales, logits }
    })
  }
  const placed = texts.map((text, part): PlacedText => ({ text, part }))
  const rows = placed.filter(({ text }) => !text.isReference).flatMap(rowsOf)
  const learned = rows.length
  rows.push(...placed.filter(({ text }) => text.isReference).flatMap(rowsOf))
  return { rows, learned, targets: Uint32Array.from(targets), parts: Uint32Array.from(parts) }
}

interface PlacedText {
  readonly text: PassText
  readonly part: number
}
