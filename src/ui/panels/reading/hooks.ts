import { useEffect, useMemo } from 'react'
import { useStore } from 'zustand'
import { anatomyOf, type Anatomy } from '../../../store/anatomy.ts'
import { labelRows } from '../../../store/tokenLabels.ts'
import { stepsOf } from '../../../store/steps.ts'
import { textRow, type ReadingState, type TextReading } from '../../../store/textReading.ts'
import { useApp, useSession, useSlowTrace } from '../../context.ts'

/** The parts of the model on the page; none before its steps are known. */
export function useAnatomy(): Anatomy {
  return useStore(anatomyOf(useSession()).state)
}

/** Keeps what a view reads at hand while the view is on show. */
export function useWatchedReading<T>(reading: TextReading<T>): void {
  useEffect(() => reading.watch(), [reading])
}

export function useShown<T>(reading: TextReading<T>): ReadingState<T>['shown'] {
  return useStore(reading.state, (state) => state.shown)
}

/** Row of the token selected on the page, of `rows`. */
export function useTextRow(rows: number): number {
  const session = useSession()
  useApp((state) => state.pinned)
  useStore(stepsOf(session).state, (state) => state.promptRow)
  return textRow(session, rows)
}

/** Text of every row's token, parts of a character by name; empty strings until they are known. The same array while nothing changes. */
export function useTexts(rows: number): readonly string[] {
  const trace = useSlowTrace(200)
  const version = trace.getVersion()
  return useMemo(
    // The trace is changed in place: its version stands for its content.
    () => (version < 0 ? [] : labelRows(trace, rows)),
    [trace, version, rows],
  )
}
