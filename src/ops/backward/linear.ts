import directWgsl from '../../../shaders/backward/dy_direct.wgsl?raw'
import shuffledWgsl from '../../../shaders/backward/dy_shuffled.wgsl?raw'
import dxWgsl from '../../../shaders/backward/linear_dx.wgsl?raw'
import finishWgsl from '../../../shaders/backward/linear_dx_finish.wgsl?raw'
import tiledWgsl from '../../../shaders/backward/linear_dx_tiled.wgsl?raw'
import duWgsl from '../../../shaders/backward/lora_du.wgsl?raw'
import outerWgsl from '../../../shaders/backward/lora_outer.wgsl?raw'
import { invariant } from '../../errors.ts'
import { kernel } from '../../gpu/providers.ts'
import { elementsOf, shapeOf, widthOf, type Axis, type RowSet, type Step } from '../../program/step.ts'
import type { FlatMatrix, PartRanks } from '../../program/trainAttrs.ts'
import { ROWS_PROVIDERS } from '../adapters.ts'
import { planeParams, type AdapterStack, type MatrixView, type Shard } from '../operands.ts'
import { inputOf, read, write, type Dispatch, type Op, type OpContext, type OpStep } from '../op.ts'
import type { LoraPart, BackwardRule, Tape } from './tape.ts'

/** Rows that a thread of linear_dx.wgsl takes, and most vec4 of columns. */
const ROWS = 8
const MAX_PARTS = 2

const direct = { name: 'backward/dy_direct.wgsl', text: directWgsl }
const shuffled = { name: 'backward/dy_shuffled.wgsl', text: shuffledWgsl }

/** Rows and columns that a thread of the small products takes. */
const BLOCK = 4

export const ranksOf = ({ stack, first, of, ranks, b }: PartRanks): PartRanks => ({
  stack,
  first,
  of,
  ranks,
  b,
})

/** Some outputs of a product, as the head goes over its vocabulary: of any other product all. */
export interface OutputPiece {
  readonly dy: string
  /** What the steps are named after. */
  readonly name: string
  /** Outputs `[begin, end)` of the product. */
  readonly begin: number
  readonly end: number
  readonly rows: Axis
  /** du of the outputs before. */
  readonly prior: string | null
}

/** Through B: gives du, the gradient of A·x, and adds to that of B where it is trained. */
export function throughB(step: OpStep<'linear'>, part: LoraPart, piece: OutputPiece, tape: Tape): string {
  const { dy, name, begin, end, rows, prior } = piece
  const outputs = end - begin
  const set: RowSet = step.rows === 'all' ? 'all' : 'packed'
  const flops = 2 * rows.size * outputs
  if (part.trained) {
    const { rank, ranks, b } = part.trained
    tape.emit(step, 'lora_db', {
      name: `${step.name}.dB`,
      inputs: [dy, step.inputs.at(-1) ?? ''],
      attrs: { ...b, begin: b.begin + begin, outputs, rank: part.first + rank, of: part.of },
      axes: [
        { kind: 'features', size: widthOf(step) },
        { kind: 'ranks', size: ranks },
      ],
      rows: set,
      flops: flops * ranks,
    })
  }
  return tape.emit(step, 'lora_du', {
    name: `${name}.du`,
    inputs: prior === null ? [dy] : [dy, prior],
    attrs: { ...ranksOf(part), outputs, output: begin, onto: prior !== null },
    axes: [rows, { kind: 'ranks', size: part.ranks }],
    rows: set,
    flops: flops * part.ranks,
  })
}

/** Adds to the gradient of A where it is trained. */
export function throughA(step: OpStep<'linear'>, part: LoraPart, du: string, rows: Axis, tape: Tape): void {
  if (!part.trained) return
  const { rank, ranks, a } = part.trained
  const [x = ''] = step.inputs
  const width = widthOf(tape.step(x))
  tape.emit(step, 'lora_da', {
    name: `${step.name}.dA`,
    inputs: [du, x],
    attrs: { ...a, rank, part: part.ranks },
    axes: [
      { kind: 'ranks', size: ranks },
      { kind: 'features', size: width },
    ],
    rows: step.rows === 'all' ? 'all' : 'packed',
    flops: 2 * ranks * rows.size * width,
  })
}

function throughAdapters(step: OpStep<'linear'>, part: LoraPart, dy: string, tape: Tape): string {
  const [rows] = step.axes
  invariant(rows, `${step.name} has rows`)
  const { name } = step
  const du = throughB(step, part, { dy, name, begin: 0, end: widthOf(step), rows, prior: null }, tape)
  throughA(step, part, du, rows, tape)
  return du
}

export const linearRule: BackwardRule<'linear'> = (step, dy, tape) => {
  const [x = ''] = step.inputs
  const { matrix, scale, softcap } = step.attrs
  invariant(scale === 1 && softcap === null, `${step.name} is a plain product`)
  const part = tape.lora(step)
  const du = part && throughAdapters(step, part, dy, tape)
  if (!tape.wants(x)) return
  const { axes } = tape.step(x)
  const dx = tape.emit(step, 'linear_dx', {
    name: `${step.name}.dx`,
    inputs: du === null ? [dy] : [dy, du],
    attrs: { matrix, onto: false, ...(part ? { lora: ranksOf(part) } : {}) },
    axes,
    params: step.params,
    flops: 2 * elementsOf(step) * widthOf({ axes }),
  })
  tape.flow(x, dx)
}

/** Rows of a step of the head are those that were counted. */
export function rowsOf(step: Pick<Step, 'rows'>, { size }: OpContext): number {
  return step.rows === 'all' ? size.rows : size.logitRows
}

interface ShardRange {
  readonly shard: Shard
  readonly begin: number
  readonly count: number
}

function shardsOf(view: MatrixView): ShardRange[] {
  return view.matrix.shards
    .map((shard) => {
      const begin = Math.max(view.begin, shard.begin)
      return { shard, begin, count: Math.min(view.end, shard.end) - begin }
    })
    .filter(({ count }) => count > 0)
}

function lowRankOf(
  lora: PartRanks | undefined,
  context: OpContext,
): { a: AdapterStack; shard: Shard } | null {
  if (!lora) return null
  const a = context.adapterStack(lora.stack)
  const [shard] = a.a.matrix.shards
  invariant(shard, 'the factors of a stack lie in one buffer')
  return { a, shard }
}

function dxDispatches(step: OpStep<'linear_dx'>, context: OpContext): Dispatch[] {
  const { matrix, lora, onto } = step.attrs
  const { variant } = context
  const view = context.matrix(matrix)
  const { cols, format } = view.matrix
  const dy = inputOf(step, 0, context)
  const low = lowRankOf(lora, context)
  const rows = rowsOf(step, context)
  const unit4 = format.unit / 4
  const PARTS = Math.min(unit4, MAX_PARTS)
  const units = Math.ceil(cols / format.unit)
  const finish = { name: 'backward/linear_dx_finish.wgsl', text: finishWgsl }
  const base = [ROWS_PROVIDERS[step.rows], ...format.providers(variant), finish]
  const providers = variant.threadPerOutput ? [...base, variant.subgroups ? shuffled : direct] : base
  return shardsOf(view).map(({ shard, begin, count }, i): Dispatch => {
    const consts = { LOW_RANK: low && i === 0 ? 1 : 0, ONTO: i > 0 ? 2 : onto ? 1 : 0 }
    return {
      ...(variant.threadPerOutput
        ? {
            shader: kernel({ name: 'linear_dx', text: dxWgsl }, providers, { ...consts, ROWS, PARTS }),
            grid: [
              Math.ceil((units * unit4) / PARTS / variant.workgroup),
              Math.ceil(rows / ROWS),
              1,
            ] as const,
          }
        : {
            shader: kernel({ name: 'linear_dx_tiled', text: tiledWgsl }, providers, consts),
            grid: [Math.ceil(cols / 32), Math.ceil(rows / 32), 1] as const,
          }),
      bindings: [
        read(2, dy),
        read(3, shard.buffer.gpu),
        write(4, context.tensor(step.name)),
        read(5, low ? inputOf(step, 1, context) : dy),
        read(6, low ? low.shard.buffer.gpu : dy),
        read(7, onto ? inputOf(step, step.inputs.length - 1, context) : dy),
      ],
      params: {
        k: cols,
        units,
        n: count,
        w_row: begin - shard.begin,
        ...planeParams(shard),
        dy_stride: view.end - view.begin,
        dy_offset: begin - view.begin,
        ranks: lora?.ranks ?? 0,
        a_row: lora?.first ?? 0,
        a_stride: low ? low.shard.layout.stride * 4 : 0,
      },
    }
  })
}

/** Gradient of a product's input: the packed weights are read as they lie. */
export const linearDx: Op<'linear_dx'> = {
  formula: ({ attrs }) =>
    `dx = Wᵀ·dy${attrs.lora ? ' + Aᵀ·du' : ''}${attrs.onto ? ' + that of the tiles before' : ''}`,
  dispatches: dxDispatches,
}

function duDispatches(step: OpStep<'lora_du'>, context: OpContext): Dispatch[] {
  const { first, ranks, outputs, output, onto, b } = step.attrs
  const low = lowRankOf(step.attrs, context)
  invariant(low, `${step.name} has adapters`)
  const blocks = Math.ceil(ranks / BLOCK)
  return [
    {
      shader: kernel({ name: 'lora_du', text: duWgsl }, [ROWS_PROVIDERS[step.rows]], { ONTO: onto ? 1 : 0 }),
      bindings: [
        read(2, inputOf(step, 0, context)),
        read(3, low.a.lora),
        write(4, context.tensor(step.name)),
        read(5, low.shard.buffer.gpu),
        read(6, inputOf(step, onto ? 1 : 0, context)),
      ],
      params: {
        n: outputs,
        ranks,
        b: b + output * ranks,
        b_stride: ranks,
        table: low.shard.layout.words.scales + 2 * first,
      },
      grid: [Math.ceil(blocks / context.variant.workgroup), Math.ceil(rowsOf(step, context) / BLOCK), 1],
    },
  ]
}

/** Gradient of A·x, scaled as the forward scales it. */
export const loraDu: Op<'lora_du'> = {
  formula: ({ attrs }) => `du = s·(α/r)·Bᵀ·dy${attrs.onto ? ' + that of the tiles before' : ''}`,
  dispatches: duDispatches,
}

interface OuterOperand {
  readonly input: number
  readonly stride: number
  readonly offset: number
}

/** left·right summed over the rows, added into the flat gradient. */
function outer(
  step: OpStep<'lora_da' | 'lora_db'>,
  left: OuterOperand,
  right: OuterOperand & { readonly gather: boolean },
  context: OpContext,
): Dispatch[] {
  const [all = 0, n = 0] = shapeOf(step)
  const m = step.op === 'lora_db' ? step.attrs.outputs : all
  const { at, begin, run, stride }: FlatMatrix = step.attrs
  return [
    {
      shader: kernel({ name: 'lora_outer', text: outerWgsl }, [ROWS_PROVIDERS[step.rows]]),
      bindings: [
        read(2, inputOf(step, left.input, context)),
        read(3, inputOf(step, right.input, context)),
        write(4, context.tensor(step.name)),
      ],
      params: {
        m,
        n,
        left_stride: left.stride,
        left_offset: left.offset,
        right_stride: right.stride,
        right_offset: right.offset,
        gather: right.gather ? 1 : 0,
        at,
        begin,
        run,
        stride,
      },
      grid: [Math.ceil(Math.ceil(n / BLOCK) / context.variant.workgroup), Math.ceil(m / BLOCK), 1],
    },
  ]
}

export const loraDa: Op<'lora_da'> = {
  formula: () => 'dA = duᵀ·x',
  dispatches(step, context) {
    const { rank, part } = step.attrs
    const width = shapeOf(step)[1] ?? 0
    return outer(
      step,
      { input: 0, stride: part, offset: rank },
      { input: 1, stride: width, offset: 0, gather: true },
      context,
    )
  },
}

export const loraDb: Op<'lora_db'> = {
  formula: () => 'dB = dyᵀ·(s·(α/r)·A·x)',
  dispatches(step, context) {
    const { rank, of, outputs } = step.attrs
    return outer(
      step,
      { input: 0, stride: outputs, offset: 0 },
      { input: 1, stride: of, offset: rank, gather: false },
      context,
    )
  },
}
