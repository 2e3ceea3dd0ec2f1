/** A measured figure, as `npm run bench` writes them. */
export interface Figure {
  name: string
  value: number
  unit: string
  [detail: string]: unknown
}

/** Puts a figure into the test output, one JSON line. */
export function publish(figure: Figure): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`)
}
