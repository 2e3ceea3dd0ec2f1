import type { AttributionPart } from '../api/model.ts'

/** Parts listed by size; the others are added up. */
export const MAX_LINES = 24

/** A line of an attribution: one part, or those of a layer's attention together. */
export interface AttributionLine {
  kind: AttributionPart['kind'] | 'attention' | 'rest'
  layer: number | null
  head: number | null
  contribution: number
  /** What the line adds up. */
  parts: readonly AttributionPart[]
}

const lineOf = (part: AttributionPart): AttributionLine => ({ ...part, parts: [part] })

const together = (kind: 'attention' | 'rest', parts: readonly AttributionPart[]): AttributionLine => ({
  kind,
  layer: kind === 'attention' ? (parts[0]?.layer ?? null) : null,
  head: null,
  contribution: parts.reduce((sum, { contribution }) => sum + contribution, 0),
  parts,
})

/** The embedding, then attention and MLP layer by layer, then what stands outside the stream. */
export function linesByLayer(parts: readonly AttributionPart[]): AttributionLine[] {
  const lines: AttributionLine[] = []
  for (const part of parts) {
    if (part.layer === null || part.kind === 'mlp') {
      lines.push(lineOf(part))
      continue
    }
    const last = lines.at(-1)
    if (last?.kind === 'attention' && last.layer === part.layer)
      lines[lines.length - 1] = together('attention', [...last.parts, part])
    else lines.push(together('attention', [part]))
  }
  return lines
}

/** The largest parts by magnitude, heads one by one, and the sum of all others. */
export function linesBySize(parts: readonly AttributionPart[], count = MAX_LINES): AttributionLine[] {
  const sorted = parts.toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  const rest = sorted.slice(count)
  const lines = sorted.slice(0, count).map(lineOf)
  return rest.length === 0 ? lines : [...lines, together('rest', rest)]
}
