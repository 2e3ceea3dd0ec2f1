import { useMemo } from 'react'
import { useStore } from 'zustand'
import {
  benchOptions,
  samplingBenchOf,
  type BenchPlace,
  type BenchState,
  type SamplingBench,
} from '../../../store/samplingBench.ts'
import { benchRandom, laneTable, type LaneTable } from '../../../store/samplingLanes.ts'
import type { SamplingOptions } from '../../../api/model.ts'
import { useMissingTexts } from '../../components/useMissingTexts.ts'
import { useSession } from '../../context.ts'

/** Candidates shown one by one. */
const ROWS = 28

export function useBench(): SamplingBench {
  return samplingBenchOf(useSession())
}

export function useBenchState<T>(select: (state: BenchState) => T): T {
  return useStore(useBench().state, select)
}

export interface Workings {
  place: BenchPlace
  options: SamplingOptions
  /** The number on show: the run's own, or the last one drawn here. */
  random: number
  table: LaneTable
  /** Texts of the candidates, as far as they are known. */
  texts: ReadonlyMap<number, string>
}

/** The place on show with what its settings make of it; null while there is none. */
export function useWorkings(): Workings | null {
  const place = useBenchState((state) => state.place)
  const moved = useBenchState((state) => state.moved)
  const draws = useBenchState((state) => state.draws)
  const state = useBench().state
  const made = useMemo(() => {
    const options = benchOptions({ ...state.getState(), place, moved })
    if (place === null || options === null) return null
    const random = draws === 0 ? place.random : benchRandom(options.seed, draws - 1)
    const always = place.token === null ? [] : [place.token.id]
    const request = { options, seenIds: place.before, random, limit: ROWS, always }
    return { place, options, random, table: laneTable(place.plain, request) }
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
  const ids = made?.table.rows.map(({ id }) => id) ?? []
  const found = useMissingTexts(
    ids.filter((id) => !captured.has(id)),
    place?.before ?? NO_IDS,
  )
  return useMemo(() => made && { ...made, texts: new Map([...found, ...captured]) }, [made, found, captured])
}

const NO_IDS: readonly number[] = []
