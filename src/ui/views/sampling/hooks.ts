import { useMemo } from 'react'
import { explorerOptions, samplingExplorerOf, type ExplorerPlace } from './store.ts'
import { explorerRandom, stageTable, type StageTable } from '../../../analysis/samplingStages.ts'
import type { SamplingOptions } from '../../../api/model.ts'
import { useMissingTexts } from '../../components/useMissingTexts.ts'
import { hooksOf } from '../../context.ts'

/** Candidates shown one by one. */
const ROWS = 28

export const [useExplorer, useExplorerState] = hooksOf(samplingExplorerOf)

export interface Workings {
  place: ExplorerPlace
  options: SamplingOptions
  /** The number on show: the run's own, or the last one drawn here. */
  random: number
  table: StageTable
  /** Texts of the candidates, as far as they are known. */
  texts: ReadonlyMap<number, string>
}

/** The place on show with what its settings make of it; null while there is none. */
export function useWorkings(): Workings | null {
  const place = useExplorerState((state) => state.place)
  const moved = useExplorerState((state) => state.moved)
  const draws = useExplorerState((state) => state.draws)
  const state = useExplorer().state
  const workings = useMemo(() => {
    const options = explorerOptions({ ...state.getState(), place, moved })
    if (place === null || options === null) return null
    const random = draws === 0 ? place.random : explorerRandom(options.seed, draws - 1)
    const always = place.token === null ? [] : [place.token.id]
    const request = { options, seenIds: place.contextIds, random, limit: ROWS, always }
    return { place, options, random, table: stageTable(place.plain, request) }
  }, [state, place, moved, draws])
  const captured = useMemo(
    () =>
      new Map(
        // A part of a character was captured without a text: it is looked up.
        [...(place?.token?.top ?? []), ...(place?.token ? [place.token] : [])]
          .filter(({ text }) => text !== '')
          .map(({ id, text }) => [id, text]),
      ),
    [place],
  )
  const ids = workings?.table.rows.map(({ id }) => id) ?? []
  const loaded = useMissingTexts(
    ids.filter((id) => !captured.has(id)),
    place?.contextIds ?? NO_IDS,
  )
  return useMemo(
    () => workings && { ...workings, texts: new Map([...loaded, ...captured]) },
    [workings, loaded, captured],
  )
}

const NO_IDS: readonly number[] = []
