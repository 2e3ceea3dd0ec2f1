import type { Anatomy } from '../../../../analysis/anatomy.ts'
import { placeOf } from '../../../../state/stepPlace.ts'
import type { RunCheckpoint } from './checkpoints.ts'
import type { CurveStep } from './curve.ts'

/** What a heatmap is of. */
export type NormKind = 'gradient' | 'delta'

/** Norms of all modules after so many steps. */
export interface NormColumn {
  steps: number
  values: readonly { step: string; value: number }[]
}

/** Norms by row and column. */
export interface ModuleNormGrid {
  rows: readonly string[]
  /** Steps after which each column was measured. */
  columns: readonly number[]
  /** `[row][column]`; null where it was not read. */
  values: readonly (readonly (number | null)[])[]
  /** Largest of all. */
  largest: number
}

/** Columns of a heatmap; steps beyond share one, and its largest norms stand. */
const MAX_COLUMNS = 64

/** How far each module had moved at each checkpoint. */
export function deltaColumns(checkpoints: readonly Pick<RunCheckpoint, 'steps' | 'norms'>[]): NormColumn[] {
  return checkpoints
    .filter(({ norms }) => norms.length > 0)
    .map(({ steps, norms }) => ({ steps, values: norms.map(({ step, delta }) => ({ step, value: delta })) }))
}

/** How hard each module was pulled, step by step; of a run of before at its checkpoints. */
export function gradientColumns(
  steps: readonly Pick<CurveStep, 'index' | 'norms'>[],
  checkpoints: readonly Pick<RunCheckpoint, 'steps' | 'norms'>[],
): NormColumn[] {
  const live = steps.flatMap(({ index, norms }): NormColumn[] =>
    norms === undefined
      ? []
      : [{ steps: index + 1, values: norms.map(({ step, gradient }) => ({ step, value: gradient })) }],
  )
  if (live.length > 0) return live
  return checkpoints.flatMap(({ steps, norms }): NormColumn[] => {
    const values = norms.flatMap(({ step, gradient }) =>
      gradient === null ? [] : [{ step, value: gradient }],
    )
    return values.length === 0 ? [] : [{ steps, values }]
  })
}

/** Norms over a run, module by module, or with those of a layer as one: the root of their squares' sum. */
export function normGrid(
  all: readonly NormColumn[],
  by: 'layer' | 'module',
  anatomy: Anatomy,
): ModuleNormGrid {
  const rowOf = (step: string): string => {
    const { layer } = placeOf(anatomy, step)
    return by === 'module' || layer === null ? step : String(layer)
  }
  const rows = [...new Set(all.flatMap(({ values }) => values.map(({ step }) => rowOf(step))))]
  const run = Math.ceil(all.length / MAX_COLUMNS)
  const groups = Array.from({ length: Math.ceil(all.length / Math.max(1, run)) }, (_, at) =>
    all.slice(at * run, (at + 1) * run),
  )
  const valueOf = (row: string, { values }: NormColumn): number | null => {
    const mine = values.filter(({ step }) => rowOf(step) === row).map(({ value }) => value)
    return mine.length === 0 ? null : Math.hypot(...mine)
  }
  const values = rows.map((row) =>
    groups.map((group) => {
      const present = group.map((column) => valueOf(row, column)).filter((value) => value !== null)
      return present.length === 0 ? null : Math.max(...present)
    }),
  )
  const finite = values.flat().filter((value) => value !== null && Number.isFinite(value))
  return {
    rows,
    columns: groups.map((group) => group.at(-1)?.steps ?? 0),
    values,
    largest: Math.max(0, ...finite.map(Number)),
  }
}
