import type { StepInfo } from '../api/model.ts'

/** What the places of a layer's steps follow from. */
export type LaidStep = Pick<StepInfo, 'name' | 'inputs'>

/** Where a step stands: its place in the direction of the flow, its column across it. Column 0 is the residual stream. */
export interface FlowPlace {
  name: string
  band: number
  rank: number
  column: number
}

/** One step reads another; `from` may lie before the layer. */
export interface FlowEdge {
  from: string
  to: string
}

/** The part of a layer between two places where only the stream goes on: a block with what is around it. */
export interface FlowBand {
  /** Steps before the band that its steps read; the stream first. */
  entries: readonly string[]
  /** Places along the flow, those of the entries (0) included. */
  ranks: number
  columns: number
}

export interface LayerFlow {
  bands: readonly FlowBand[]
  places: readonly FlowPlace[]
  edges: readonly FlowEdge[]
}

/** Steps that nothing passes by: all that comes later reads of what was before at most this one. */
function streamSteps(steps: readonly LaidStep[]): Set<string> {
  const at = new Map(steps.map(({ name }, index) => [name, index]))
  const names = new Set<string>()
  steps.forEach((step, index) => {
    const later = steps.slice(index + 1).flatMap(({ inputs }) => inputs.map((name) => at.get(name) ?? -1))
    if (later.every((source) => source >= index)) names.add(step.name)
  })
  return names
}

/** Parts the steps behind every place where only the stream goes on. */
function splitBands(steps: readonly LaidStep[], stream: ReadonlySet<string>): LaidStep[][] {
  const bands: LaidStep[][] = [[]]
  steps.forEach((step, index) => {
    bands.at(-1)?.push(step)
    const next = steps[index + 1]
    if (next !== undefined && stream.has(step.name) && !stream.has(next.name)) bands.push([])
  })
  return bands
}

/** The column of the input a step goes on from, where that is free; else the first free one beside the stream. */
function freeColumn(taken: ReadonlySet<string>, rank: number, wanted: readonly number[]): number {
  const isFree = (column: number): boolean => column > 0 && !taken.has(`${rank}:${column}`)
  const kept = wanted.find(isFree)
  if (kept !== undefined) return kept
  let column = 1
  while (!isFree(column)) column += 1
  return column
}

function layBand(
  steps: readonly LaidStep[],
  band: number,
  stream: ReadonlySet<string>,
): { band: FlowBand; places: FlowPlace[] } {
  const inside = new Map<string, FlowPlace>()
  const entries = new Set<string>()
  const taken = new Set<string>()
  for (const { name, inputs } of steps) {
    for (const input of inputs) if (!inside.has(input)) entries.add(input)
    const sources = inputs.flatMap((input) => inside.get(input) ?? [])
    const rank = 1 + Math.max(0, ...sources.map((source) => source.rank))
    const column = stream.has(name)
      ? 0
      : freeColumn(
          taken,
          rank,
          sources.map((source) => source.column),
        )
    taken.add(`${rank}:${column}`)
    inside.set(name, { name, band, rank, column })
  }
  const places = [...inside.values()]
  return {
    band: {
      entries: [...entries],
      ranks: 1 + Math.max(0, ...places.map(({ rank }) => rank)),
      columns: 1 + Math.max(0, ...places.map(({ column }) => column)),
    },
    places,
  }
}

/**
 * Lays the steps of a layer out by who reads whom (Sugiyama et al. 1981, with the order of the program in place of crossing
 * reduction): a rank behind all it reads, in the column of what it goes on from; the stream keeps column 0.
 */
export function layOutLayer(steps: readonly LaidStep[]): LayerFlow {
  const stream = streamSteps(steps)
  const laid = splitBands(steps, stream).map((bandSteps, band) => layBand(bandSteps, band, stream))
  return {
    bands: laid.map(({ band }) => band),
    places: laid.flatMap(({ places }) => places),
    edges: steps.flatMap(({ name, inputs }) => inputs.map((from) => ({ from, to: name }))),
  }
}
