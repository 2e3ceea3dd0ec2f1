import { useEffect, useMemo } from 'react'
import { useStore } from 'zustand'
import type { Anatomy } from '../../analysis/anatomy.ts'
import { anatomyOf } from '../../state/anatomy.ts'
import { answeringModel } from '../../state/app.ts'
import { labelRows } from '../../state/tokenLabels.ts'
import { selectedRow } from '../../state/selection.ts'
import { type MeasurementState, type TextMeasurement } from '../../state/textMeasurement.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../context.ts'
import { BEGIN_NAME, endName } from './labels.ts'

/** The parts of the model on the page; none before its steps are known. */
export function useAnatomy(): Anatomy {
  return useStore(anatomyOf(useSession()).state)
}

/** Keeps what a view reads at hand while the view is on show. */
export function useWatchedMeasurement<T>(measurement: TextMeasurement<T>): void {
  useEffect(() => measurement.watch(), [measurement])
}

export function useShown<T>(measurement: TextMeasurement<T>): MeasurementState<T>['shown'] {
  return useStore(measurement.state, (state) => state.shown)
}

/** Row of the token selected on the page, of `rows`. */
export function useTextRow(rows: number): number {
  const session = useSession()
  useApp((state) => state.pinned)
  useApp((state) => state.promptRow)
  return selectedRow(session, rows)
}

/** Text of every row's token, parts of a character by name; empty strings until they are known. The same array while nothing changes. */
export function useTexts(rows: number): readonly string[] {
  const t = useTranslate()
  const log = useSlowTokenLog(200)
  const version = log.getVersion()
  return useMemo(
    // The log is changed in place: its version stands for its content.
    () => (version < 0 ? [] : labelRows(log, rows, { begin: BEGIN_NAME, end: endName(t) })),
    [t, log, version, rows],
  )
}

/** True for a model that fills masks: a row is about its own place, and nothing is written. */
export function useIsEncoder(): boolean {
  return useApp(({ model }) => answeringModel(model)?.tasks.includes('fill-mask') === true)
}
