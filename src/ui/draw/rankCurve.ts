/** Geometry of the rank–probability plot: both axes logarithmic, in units of a 0…1 square, y downwards. */

/** Lowest probability drawn; smaller ones lie on the floor. */
export const FLOOR = 1e-9

/** Powers of ten labelled on the axis, 1 included. */
const TICKS = 3

/** The lowest probability drawn for a distribution: {@link FLOOR}, or as far below it as its smallest reaches, by steps of the axis. */
export function floorOf(sorted: ArrayLike<number>): number {
  let smallest = FLOOR
  for (let at = sorted.length - 1; at >= 0; at--) {
    const probability = sorted[at] ?? 0
    if (probability <= 0) continue
    smallest = Math.min(smallest, probability)
    break
  }
  return 10 ** (-TICKS * Math.ceil(-Math.log10(smallest) / TICKS - 1e-9))
}

/** The powers labelled between 1 and a floor. */
export const powersTo = (floor: number): number[] =>
  Array.from({ length: TICKS + 1 }, (_, at) => Math.round((at * Math.log10(floor)) / TICKS))

export interface CurvePoint {
  rank: number
  probability: number
}

/** Points of the curve at logarithmically spaced ranks, ends included; `sorted` descends. */
export function sampleCurve(sorted: ArrayLike<number>, points = 160): CurvePoint[] {
  const count = sorted.length
  const curve: CurvePoint[] = []
  let last = 0
  const steps = count > 0 ? points : 0
  for (let step = 0; step < steps; step++) {
    const rank = Math.round(Math.exp((Math.log(count) * step) / Math.max(1, points - 1)))
    const probability = sorted[rank - 1]
    if (rank === last || probability === undefined) continue
    curve.push({ rank, probability })
    last = rank
  }
  return curve
}

export function rankToX(rank: number, count: number): number {
  return count <= 1 ? 0 : Math.log(rank) / Math.log(count)
}

export function probabilityToY(probability: number, floor = FLOOR): number {
  const shown = Math.min(1, Math.max(floor, probability))
  return Math.log(shown) / Math.log(floor)
}

/** SVG path of the curve in a `width` × `height` box. */
export function curvePath(
  curve: readonly CurvePoint[],
  count: number,
  width: number,
  height: number,
  floor = FLOOR,
): string {
  return curve
    .map(({ rank, probability }, index) => {
      const x = (rankToX(rank, count) * width).toFixed(1)
      const y = (probabilityToY(probability, floor) * height).toFixed(1)
      return `${index === 0 ? 'M' : 'L'}${x} ${y}`
    })
    .join('')
}
