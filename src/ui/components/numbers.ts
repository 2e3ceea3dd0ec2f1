import { formatFixed, formatPower } from '../../maths/format.ts'

/** KL in nats: three digits, tiny values as a power of ten. */
export function formatNats(value: number): string {
  if (value === 0) return '0'
  return Math.abs(value) < 0.001 ? formatPower(value) : formatFixed(value, 3)
}

/** A share of ‖W‖ in per cent: two digits below ten. */
export function formatRatio(ratio: number): string {
  const percent = ratio * 100
  return `${formatFixed(percent, percent >= 10 ? 1 : 2)}%`
}
