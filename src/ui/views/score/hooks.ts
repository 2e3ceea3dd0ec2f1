import { useMemo } from 'react'
import { scoredRoles, scoresOf, type BoxName, type ScoreBox, type ScoreResult } from './store.ts'
import { totalsOf, type Role, type ScoreTotals } from '../../../analysis/scoreSpans.ts'
import type { ScoredToken } from '../../../api/model.ts'
import { hooksOf } from '../../context.ts'

export const [useScores, useScoreState] = hooksOf(scoresOf)

export function useBox(name: BoxName): ScoreBox {
  return useScoreState((state) => state[name])
}

export interface Marked {
  result: ScoreResult
  roles: readonly (Role | 'marker' | null)[]
  counted: readonly boolean[]
  /** Null while nothing has been scored. */
  totals: ScoreTotals | null
}

/** A scored text with what counts of it; null before it has been scored. */
export function useMarked(name: BoxName): Marked | null {
  const { result, spans } = useBox(name)
  const mode = useScoreState((state) => state.mode)
  return useMemo(() => {
    if (result === null) return null
    const { roles, counted } = scoredRoles(result, spans, mode)
    const totals = result.tokens.length === 0 ? null : totalsOf(result.tokens, result.texts, counted)
    return { result, roles, counted, totals }
  }, [result, spans, mode])
}

/** Row of the inspected token: under the pointer, else the selected one. */
export function useInspectedRow(name: BoxName): number | null {
  const { hovered, selected } = useBox(name)
  return hovered ?? selected
}

export function tokenAtRow({ tokens }: ScoreResult, row: number): ScoredToken | null {
  return tokens[row - 1] ?? null
}

/** What is written in place of a token without text. */
export function labelOf({ ids, bosId, eosIds, markers }: ScoreResult, row: number): string {
  const id = ids[row] ?? 0
  if (row === 0 && id === bosId) return 'BOS'
  if (eosIds.includes(id)) return 'EOS'
  return markers.find((marker) => marker.ids.length === 1 && marker.ids[0] === id)?.text ?? `#${id}`
}
