/** Geometry of the rank–probability plot: both axes logarithmic, in units of a 0…1 square, y downwards. */

/** Lowest probability drawn; smaller ones lie on the floor. */
export const FLOOR = 1e-9

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

export function probabilityToY(probability: number): number {
  const shown = Math.min(1, Math.max(FLOOR, probability))
  return Math.log(shown) / Math.log(FLOOR)
}

/** SVG path of the curve in a `width` × `height` box. */
export function curvePath(
  curve: readonly CurvePoint[],
  count: number,
  width: number,
  height: number,
): string {
  return curve
    .map(({ rank, probability }, index) => {
      const x = (rankToX(rank, count) * width).toFixed(1)
      const y = (probabilityToY(probability) * height).toFixed(1)
      return `${index === 0 ? 'M' : 'L'}${x} ${y}`
    })
    .join('')
}
