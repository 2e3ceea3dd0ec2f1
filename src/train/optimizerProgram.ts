import { STATISTICS } from '../ops/backward/loss.ts'
import { ADAFACTOR_PASSES, FLAT, NORM_PARTS } from '../ops/backward/optimizers.ts'
import type { Attrs, OpName } from '../program/attrs.ts'
import type { Axis, Program, Step } from '../program/step.ts'
import type { FactoredAttrs } from '../program/trainAttrs.ts'
import type { FlatLayout } from './flatLayout.ts'
import type { PlacedPart } from './loraParts.ts'
import type { TrainSettings } from './options.ts'

const flat = (size: number): Axis[] => [{ kind: 'features', size }]

function step<O extends OpName>(
  name: string,
  op: O,
  inputs: readonly string[],
  attrs: Attrs[O],
  axes: readonly Axis[],
  layer: number | null = null,
): Step {
  const recorded = {
    name,
    op,
    layer,
    inputs,
    params: [],
    attrs,
    axes,
    stream: null,
    saves: [],
    rows: 'all',
    flops: 0,
    covers: [],
  }
  // A generic step of op O is one of the union; TypeScript does not follow that through the mapped type.
  return recorded as unknown as Step
}

/** Rows and columns of all trained matrices. */
export function factoredAttrs({ matrices }: FlatLayout): FactoredAttrs {
  return {
    matrices: matrices.length,
    rows: matrices.reduce((sum, { rows }) => sum + rows, 0),
    columns: matrices.reduce((sum, { columns }) => sum + columns, 0),
  }
}

const MATRIX_WORDS = 8

/** What shaders/train/factored.wgsl reads. */
export function factoredTables(layout: FlatLayout): Uint32Array<ArrayBuffer> {
  const { matrices, rows, columns } = factoredAttrs(layout)
  const words = new Uint32Array(matrices * MATRIX_WORDS + rows + columns)
  let [row, column] = [0, 0]
  for (const [i, matrix] of layout.matrices.entries()) {
    words.set([matrix.at, matrix.rows, matrix.columns, row, column], i * MATRIX_WORDS)
    words.fill(i, matrices * MATRIX_WORDS + row, matrices * MATRIX_WORDS + row + matrix.rows)
    const at = matrices * MATRIX_WORDS + rows + column
    words.fill(i, at, at + matrix.columns)
    row += matrix.rows
    column += matrix.columns
  }
  return words
}

function updateSteps(layout: FlatLayout, optimizer: TrainSettings['optimizer']): Step[] {
  const inputs = [FLAT.gradients, STATISTICS]
  if (optimizer !== 'adafactor')
    return [step(`optimizer.${optimizer}`, optimizer, inputs, {}, flat(layout.size))]
  const attrs = factoredAttrs(layout)
  return ADAFACTOR_PASSES.map((op) => step(`optimizer.${op}`, op, inputs, attrs, flat(layout.size)))
}

/** Steps that write the trained factors where live forwards read them; factors that parts share are written once. */
export function publishSteps(
  layout: FlatLayout,
  parts: ReadonlyMap<string, PlacedPart>,
  slot: number,
): Step[] {
  const written = new Set<number>()
  const steps: Step[] = []
  for (const [name, { module, a, b }] of layout.places) {
    const part = parts.get(name)
    const slotRanks = part?.slots.find((entry) => entry.slot === slot)
    if (!part || !slotRanks) continue
    const { stack, first, ranks, b: word } = part
    const { rank, in: inner, out } = module
    const strideA = Math.ceil(inner / 4) * 4
    const input = [FLAT.parameters]
    const axes = {
      ranks: { kind: 'ranks', size: rank },
      in: { kind: 'features', size: inner },
      out: { kind: 'features', size: out },
    } as const
    if (!written.has(a.at)) {
      const attrs = {
        ...a,
        stack,
        factor: 'A',
        to: (first + slotRanks.rank) * strideA,
        toStride: strideA,
      } as const
      steps.push(step(`${name}.A`, 'publish', input, attrs, [axes.ranks, axes.in]))
    }
    written.add(a.at)
    const attrs = { ...b, stack, factor: 'B', to: word + slotRanks.rank, toStride: ranks } as const
    steps.push(step(`${name}.B`, 'publish', input, attrs, [axes.out, axes.ranks]))
  }
  return steps
}

/** One step of an optimiser: the norm of the gradient, the update, and the factors handed to live forwards. */
export function optimizerProgram(
  layout: FlatLayout,
  optimizer: TrainSettings['optimizer'],
  publish: readonly Step[],
): Program {
  const steps = [
    step('optimizer.norm', 'square_sums', [FLAT.gradients], {}, flat(layout.size)),
    step('optimizer.clip', 'clip', [FLAT.sums], {}, flat(NORM_PARTS)),
    ...updateSteps(layout, optimizer),
    ...publish,
  ]
  return { rows: 1, logitRows: 1, positions: 1, steps }
}
