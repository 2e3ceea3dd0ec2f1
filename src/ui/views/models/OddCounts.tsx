import { formatCount } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { LARGE } from './machine.ts'

const KINDS = ['nan', 'infinite', 'large'] as const

/** How many values of a step are none, or no f16 can hold; kinds that there are none of are left out. */
export function OddCounts({ counts }: { counts: Readonly<Record<(typeof KINDS)[number], number>> }) {
  const t = useTranslate()
  const least = formatCount(LARGE)
  return KINDS.filter((kind) => counts[kind] > 0)
    .map((kind) => t(`machine.odd.${kind}`, { count: formatCount(counts[kind]), least }))
    .join(', ')
}
