/** A rectangle on the page, CSS pixels. */
export interface Area {
  left: number
  top: number
  width: number
  height: number
}

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'

const DIRECTIONS: ReadonlySet<string> = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'])

export const isDirection = (key: string): key is Direction => DIRECTIONS.has(key)

/** What lies aside counts this many times what lies ahead. */
const ASIDE = 3

const middle = ({ left, top, width, height }: Area) => ({ x: left + width / 2, y: top + height / 2 })

/** Index of the nearest area in a direction, those straight ahead first; −1 at the edge. */
export function nearest(areas: readonly Area[], from: Area, direction: Direction): number {
  const here = middle(from)
  const across = direction === 'ArrowUp' || direction === 'ArrowDown'
  const sign = direction === 'ArrowUp' || direction === 'ArrowLeft' ? -1 : 1
  let best = -1
  let least = Infinity
  areas.forEach((area, index) => {
    const there = middle(area)
    const [dx, dy] = [there.x - here.x, there.y - here.y]
    const ahead = sign * (across ? dy : dx)
    if (ahead < 2) return
    const distance = ahead + ASIDE * Math.abs(across ? dx : dy)
    if (distance < least) [best, least] = [index, distance]
  })
  return best
}
