/** Factors of a test matrix: each has a few values. */
export type Factors = Readonly<Record<string, readonly unknown[]>>
export type Combination<F extends Factors> = { [Name in keyof F]: F[Name][number] }

/**
 * Combinations in which every two values of any two factors meet at least once: greedy, deterministic, near the size of the
 * two largest factors multiplied instead of the product of all.
 */
export function pairwise<F extends Factors>(factors: F): Combination<F>[] {
  const names = Object.keys(factors)
  const sizes = names.map((name) => factors[name]?.length ?? 0)
  const key = (f: number, a: number, g: number, b: number): string =>
    f < g ? `${f}:${a}|${g}:${b}` : `${g}:${b}|${f}:${a}`
  const open = new Set<string>()
  for (let f = 0; f < names.length; f++)
    for (let g = f + 1; g < names.length; g++)
      for (let a = 0; a < sizes[f]!; a++) for (let b = 0; b < sizes[g]!; b++) open.add(key(f, a, g, b))
  const rows: number[][] = []
  while (open.size > 0) {
    const [seed] = open
    const chosen = names.map(() => -1)
    for (const part of seed!.split('|')) {
      const [f, a] = part.split(':').map(Number)
      chosen[f!] = a!
    }
    for (let f = 0; f < names.length; f++) {
      if (chosen[f] !== -1) continue
      let best = -1
      for (let i = 0; i < sizes[f]!; i++) {
        // Starting elsewhere each time spreads the ties.
        const a = (i + rows.length) % sizes[f]!
        const gain = chosen.filter((b, g) => b !== -1 && open.has(key(f, a, g, b))).length
        if (gain > best) {
          best = gain
          chosen[f] = a
        }
      }
    }
    for (let f = 0; f < names.length; f++)
      for (let g = f + 1; g < names.length; g++) open.delete(key(f, chosen[f]!, g, chosen[g]!))
    rows.push(chosen)
  }
  return rows.map(
    (row) => Object.fromEntries(names.map((name, f) => [name, factors[name]?.[row[f]!]])) as Combination<F>,
  )
}
