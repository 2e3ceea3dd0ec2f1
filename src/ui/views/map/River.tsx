import { memo } from 'react'
import type { MapWrite } from './picture.ts'
import type { WriteFacts } from './store.ts'

/** Shares of the river's box: its banks at most this far from the middle, and at least. */
const WIDEST = 21
const NARROWEST = 2.5

interface RiverProps {
  /** Lengths of the stream at the top and the bottom, as shares of the longest. */
  from: number
  to: number
  /** Probability of the token that is followed, above and below: the bright core. */
  chance: readonly [above: number, below: number]
  writes: readonly { write: MapWrite; facts: WriteFacts | null }[]
  height: number
}

/** Half a width from a share: the root, so that the narrow beginning is seen beside a wide end. */
export const bank = (share: number): number =>
  NARROWEST + (WIDEST - NARROWEST) * Math.sqrt(Math.max(0, share))

/** Width of the core, as a share of the bed's. */
export const core = (probability: number): number => probability * 0.82

function bed(from: number, to: number, height: number): string {
  const middle = height / 2
  return (
    `M${50 - from},0 C${50 - from},${middle} ${50 - to},${middle} ${50 - to},${height} ` +
    `L${50 + to},${height} C${50 + to},${middle} ${50 + from},${middle} ${50 + from},0 Z`
  )
}

/** How thick what is written comes in: its length beside that of the stream it joins. */
function thickness({ norm, normBefore }: WriteFacts, height: number): number {
  const share = normBefore === 0 ? 1 : Math.min(1, norm / normBefore)
  return 1 + share * (height * 0.62 - 1)
}

function tributary(side: 1 | -1, bend: number, thick: number, height: number): string {
  const [edge, end] = [50 + side * 50, 50 + side * bend]
  const middle = height / 2
  const turn = 50 + side * (bend + (50 - bend) * 0.45)
  return (
    `M${edge},${middle - thick / 2} C${turn},${middle - thick / 2} ${turn},${height * 0.62 - thick / 2} ${end},${height * 0.7 - thick / 2} ` +
    `L${end},${height * 0.7 + thick / 2} C${turn},${height * 0.62 + thick / 2} ${turn},${middle + thick / 2} ${edge},${middle + thick / 2} Z`
  )
}

/** The residual stream through one line: as wide as it is long there, what the layer adds coming in from the sides. */
export const River = memo(function River({ from, to, chance, writes, height }: RiverProps) {
  const [top, bottom] = [bank(from), bank(to)]
  const [above, below] = [core(chance[0]), core(chance[1])]
  return (
    <svg
      className="map-river"
      viewBox={`0 0 100 ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      style={{ height }}
    >
      {writes.map(({ write, facts }) => {
        const side = write.block === 'attn' ? -1 : 1
        return (
          facts !== null && (
            <path
              key={write.step}
              className={`map-inflow map-inflow-${write.block}`}
              d={tributary(side, bottom * 0.6, thickness(facts, height), height)}
            />
          )
        )
      })}
      <path className="map-bed" d={bed(top, bottom, height)} />
      {above + below > 0 && <path className="map-core" d={bed(top * above, bottom * below, height)} />}
    </svg>
  )
})
