import { invariant } from '../errors.ts'
import type { Model } from '../api/model.ts'
import { idsOf, promptLength, type TokenNode } from './tokenTree.ts'

/** Logits of one call: how much is computed at once. */
const BATCH_ELEMENTS = 1 << 23

/**
 * Rows of a text whose numbers are missing: of its own tokens all, of those given only when one of them is asked about, since
 * nothing predicted them; of the token asked about, also the alternatives, `topK` of them. The first token of a text has none.
 */
export function missingNumbers(path: readonly TokenNode[], node: TokenNode | null, topK: number): number[] {
  const given = promptLength(path)
  const asked = node === null ? -1 : path.indexOf(node)
  const lacks = (row: number): boolean => path[row]?.logprob === null
  const lacksTop = (row: number): boolean => (path[row]?.parent?.next?.length ?? 0) < topK
  const rows = path.map((_, row) => row).slice(1)
  const wantsPrompt = asked > 0 && asked < given && (lacks(asked) || lacksTop(asked))
  return rows.filter((row) =>
    row < given
      ? wantsPrompt && (lacks(row) || lacksTop(row))
      : lacks(row) || (row === asked && lacksTop(row)),
  )
}

/** Reads, off one forward over the text, how probable the tokens of these rows were and what else might have stood there. */
export async function measurePath(
  model: Model,
  path: readonly TokenNode[],
  rows: readonly number[],
  topK: number,
): Promise<void> {
  const { layers, vocab } = model.info
  const ids = idsOf(path.slice(0, (rows.at(-1) ?? 0) + 1))
  const step = Math.max(8, Math.floor(BATCH_ELEMENTS / vocab))
  for (let from = 0; from < rows.length; from += step) {
    const part = rows.slice(from, from + step)
    const positions = part.map((row) => row - 1)
    const { cells } = await model.lens(ids, { layers: [layers - 1], positions, topK })
    part.forEach((row, i) => {
      const [cell, node] = [cells[i], path[row]]
      const probability = cell?.probability ?? null
      invariant(
        cell && probability !== null && node?.parent,
        'a position in the text predicts its next token',
      )
      node.logprob = Math.log(probability)
      const previousTop = node.parent.next ?? []
      if (previousTop.length >= cell.top.length) return
      const texts = new Map(previousTop.map(({ id, text }) => [id, text]))
      node.parent.next = cell.top.map((token) => ({
        id: token.id,
        text: texts.get(token.id) ?? '',
        logprob: Math.log(token.probability),
      }))
    })
  }
}
