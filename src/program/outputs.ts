import type { ParamRef } from './step.ts'

/** Outputs of a fused tensor: `[begin, end)`, or several such runs; null for all. */
export type Outputs = Pick<ParamRef, 'rows' | 'runs'>

/** Where output `i` of a part lies among those of the whole tensor. */
export function outputAt({ rows, runs }: Outputs, i: number): number {
  if (!rows) return i
  const [begin, end] = rows
  const run = end - begin
  return runs ? begin + Math.floor(i / run) * runs.stride + (i % run) * (runs.step ?? 1) : begin + i
}

/** How many outputs a part takes, of a tensor that has `all`. */
export function outputCount({ rows, runs }: Outputs, all: number): number {
  return rows ? (rows[1] - rows[0]) * (runs?.count ?? 1) : all
}

/** The outputs of a part, `width` values each, out of those of the whole tensor; a view where they lie together. */
export function takeOutputs(part: Outputs, full: Float32Array, width: number): Float32Array {
  const count = outputCount(part, full.length / width)
  if (!part.runs) return full.subarray(outputAt(part, 0) * width, (outputAt(part, 0) + count) * width)
  const taken = new Float32Array(count * width)
  for (let i = 0; i < count; i++) {
    const at = outputAt(part, i)
    taken.set(full.subarray(at * width, (at + 1) * width), i * width)
  }
  return taken
}

/** Puts the outputs of a part back where the whole tensor has them. */
export function placeOutputs(part: Outputs, values: Float32Array, full: Float32Array, width: number): void {
  for (let i = 0; i * width < values.length; i++)
    full.set(values.subarray(i * width, (i + 1) * width), outputAt(part, i) * width)
}
