import { CONTROL, STATISTICS, TARGETS } from '../ops/backward/loss.ts'
import { FLAT, NORM_PARTS } from '../ops/backward/optimizers.ts'
import { PARTS } from '../ops/backward/preference.ts'
import type { FlatLayout } from './flatLayout.ts'
import { factoredAttrs, factoredTables } from './optimizerProgram.ts'
import type { TrainSettings } from './options.ts'
import { CONTROL_WORDS } from './schedule.ts'

/** Words of {@link STATISTICS}: shaders/train/control.wgsl says which is what. */
export const STATISTIC_WORDS = 8

/** Words of every buffer that training holds as long as it runs, by name. `counted`: rows of a pass that count. */
export function flatWords(
  layout: FlatLayout,
  { optimizer, objective }: Pick<TrainSettings, 'optimizer' | 'objective'>,
  counted: number,
): Map<string, number> {
  const words = new Map([
    [FLAT.parameters, layout.size],
    [FLAT.gradients, layout.size],
    [FLAT.sums, NORM_PARTS],
    [CONTROL, CONTROL_WORDS],
    [STATISTICS, STATISTIC_WORDS],
    [TARGETS, counted],
  ] as [string, number][])
  if (objective === 'dpo') words.set(PARTS, counted)
  if (optimizer === 'adamw') for (const name of [FLAT.first, FLAT.second]) words.set(name, layout.size)
  if (optimizer === 'adafactor') {
    const { matrices, rows, columns } = factoredAttrs(layout)
    words.set(FLAT.rows, 2 * rows + 2 * matrices)
    words.set(FLAT.columns, columns)
    words.set(FLAT.tables, factoredTables(layout).length)
  }
  return words
}
