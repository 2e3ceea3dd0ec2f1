import linesWgsl from '../../../shaders/train/adafactor_lines.wgsl?raw'
import matricesWgsl from '../../../shaders/train/adafactor_matrices.wgsl?raw'
import updatesWgsl from '../../../shaders/train/adafactor_updates.wgsl?raw'
import adamwWgsl from '../../../shaders/train/adamw.wgsl?raw'
import clipWgsl from '../../../shaders/train/clip.wgsl?raw'
import controlWgsl from '../../../shaders/train/control.wgsl?raw'
import factoredWgsl from '../../../shaders/train/factored.wgsl?raw'
import columnLinesWgsl from '../../../shaders/train/lines_columns.wgsl?raw'
import rowLinesWgsl from '../../../shaders/train/lines_rows.wgsl?raw'
import publishWgsl from '../../../shaders/train/publish.wgsl?raw'
import sgdWgsl from '../../../shaders/train/sgd.wgsl?raw'
import squareSumsWgsl from '../../../shaders/train/square_sums.wgsl?raw'
import measuredWgsl from '../../../shaders/train/updates_measured.wgsl?raw'
import takenWgsl from '../../../shaders/train/updates_taken.wgsl?raw'
import { invariant } from '../../errors.ts'
import { kernel, type ProviderFile } from '../../gpu/providers.ts'
import type { HeaderConsts } from '../../gpu/shader.ts'
import { elementsOf, shapeOf } from '../../program/step.ts'
import type { FactoredAttrs, TrainOpName } from '../../program/trainAttrs.ts'
import {
  linearGrid,
  read,
  write,
  type Binding,
  type Dispatch,
  type KernelParams,
  type Op,
  type OpContext,
} from '../op.ts'
import { CONTROL, STATISTICS } from './loss.ts'

/** Buffers of the optimisers, all in the order of the trained factors. */
export const FLAT = {
  parameters: 'parameters',
  gradients: 'gradients',
  first: 'moments.first',
  second: 'moments.second',
  sums: 'gradients.sums',
  tables: 'factored.tables',
  rows: 'factored.rows',
  columns: 'factored.columns',
} as const

/** Parts that the norm of the gradient is summed in. */
export const NORM_PARTS = 1024

const control = { name: 'train/control.wgsl', text: controlWgsl }
const factored = { name: 'train/factored.wgsl', text: factoredWgsl }

interface Kernel {
  readonly name: string
  readonly text: string
  readonly providers: readonly ProviderFile[]
  readonly bindings: readonly Binding[]
  readonly params: KernelParams
  readonly threads: number
  readonly consts?: HeaderConsts
}

/** A thread for each of so many things. */
function threads(
  { name, text, providers, bindings, params, threads: count, consts }: Kernel,
  context: OpContext,
): Dispatch[] {
  const grid = linearGrid(Math.ceil(count / context.variant.workgroup))
  return [{ shader: kernel({ name, text }, providers, consts), bindings, params, grid }]
}

export const squareSums: Op<'square_sums'> = {
  formula: () => 'Σ g², in parts',
  dispatches: (step, context) =>
    threads(
      {
        name: 'square_sums',
        text: squareSumsWgsl,
        providers: [],
        bindings: [read(2, context.tensor(FLAT.gradients)), write(4, context.tensor(FLAT.sums))],
        params: { n: elementsOf(step) },
        threads: NORM_PARTS,
        consts: { PARTS: NORM_PARTS },
      },
      context,
    ),
}

export const clip: Op<'clip'> = {
  formula: () => '||g|| = √Σ g², c = min(1, clipNorm / (||g|| + 10^−6))',
  dispatches: (_, context) =>
    threads(
      {
        name: 'clip',
        text: clipWgsl,
        providers: [control],
        bindings: [
          read(2, context.tensor(CONTROL)),
          read(3, context.tensor(FLAT.sums)),
          write(4, context.tensor(STATISTICS)),
        ],
        params: { n: NORM_PARTS },
        threads: 1,
      },
      context,
    ),
}

/** What a rule that changes the parameters reads and writes. */
function updateBindings(context: OpContext): Binding[] {
  return [
    read(2, context.tensor(CONTROL)),
    read(3, context.tensor(STATISTICS)),
    write(4, context.tensor(FLAT.parameters)),
    read(5, context.tensor(FLAT.gradients)),
  ]
}

export const sgd: Op<'sgd'> = {
  formula: () => 'θ ← θ − η·(c·g + λ·θ)',
  dispatches(step, context) {
    const n = elementsOf(step)
    const bindings = updateBindings(context)
    return threads(
      { name: 'sgd', text: sgdWgsl, providers: [control], bindings, params: { n }, threads: n },
      context,
    )
  },
}

export const adamw: Op<'adamw'> = {
  formula: () => 'm ← β₁·m + (1 − β₁)·c·g, v ← β₂·v + (1 − β₂)·(c·g)², θ ← θ·(1 − η·λ) − η·m̂ / (√v̂ + ε)',
  dispatches(step, context) {
    const n = elementsOf(step)
    const moments = [write(6, context.tensor(FLAT.first)), write(7, context.tensor(FLAT.second))]
    const bindings = [...updateBindings(context), ...moments]
    return threads(
      { name: 'adamw', text: adamwWgsl, providers: [control], bindings, params: { n }, threads: n },
      context,
    )
  },
}

/** One of the kernels of Adafactor with what makes it this pass. */
interface FactoredKernel {
  readonly op: TrainOpName
  readonly name: 'adafactor_lines' | 'adafactor_matrices' | 'adafactor_updates'
  readonly over: keyof FactoredAttrs
  readonly provider?: ProviderFile
  readonly consts?: HeaderConsts
  readonly bindings: (context: OpContext) => Binding[]
}

const FACTORED_WGSL = {
  adafactor_lines: linesWgsl,
  adafactor_matrices: matricesWgsl,
  adafactor_updates: updatesWgsl,
} as const

const file = (name: string, text: string): ProviderFile => ({ name: `train/${name}.wgsl`, text })

const ofMatrices = (context: OpContext): Binding[] => [
  read(2, context.tensor(CONTROL)),
  write(4, context.tensor(FLAT.rows)),
  read(6, context.tensor(FLAT.tables)),
]
const fromGradients = (context: OpContext): Binding[] => [
  read(2, context.tensor(CONTROL)),
  read(3, context.tensor(STATISTICS)),
  read(5, context.tensor(FLAT.gradients)),
  read(6, context.tensor(FLAT.tables)),
]

const FACTORED: readonly FactoredKernel[] = [
  {
    op: 'adafactor_rows',
    name: 'adafactor_lines',
    over: 'rows',
    provider: file('lines_rows', rowLinesWgsl),
    bindings: (c) => [...fromGradients(c), write(4, c.tensor(FLAT.rows))],
  },
  {
    op: 'adafactor_columns',
    name: 'adafactor_lines',
    over: 'columns',
    provider: file('lines_columns', columnLinesWgsl),
    bindings: (c) => [...fromGradients(c), write(4, c.tensor(FLAT.columns))],
  },
  {
    op: 'adafactor_means',
    name: 'adafactor_matrices',
    over: 'matrices',
    consts: { CLIP: 0 },
    bindings: ofMatrices,
  },
  {
    op: 'adafactor_squares',
    name: 'adafactor_updates',
    over: 'rows',
    provider: file('updates_measured', measuredWgsl),
    bindings: (c) => [...fromGradients(c), write(4, c.tensor(FLAT.rows)), read(8, c.tensor(FLAT.columns))],
  },
  {
    op: 'adafactor_clip',
    name: 'adafactor_matrices',
    over: 'matrices',
    consts: { CLIP: 1 },
    bindings: ofMatrices,
  },
  {
    op: 'adafactor',
    name: 'adafactor_updates',
    over: 'rows',
    provider: file('updates_taken', takenWgsl),
    bindings: (c) => [
      ...fromGradients(c),
      write(4, c.tensor(FLAT.parameters)),
      read(7, c.tensor(FLAT.rows)),
      read(8, c.tensor(FLAT.columns)),
    ],
  },
]

const FACTORED_FORMULAS = {
  adafactor_rows: 'R ← β·R + (1 − β)·mean over rows of (c·g)² + ε',
  adafactor_columns: 'C ← β·C + (1 − β)·mean over columns of (c·g)² + ε',
  adafactor_means: 'mean(R) of each matrix',
  adafactor_squares: 'Σ û², û = c·g / √(R·C / mean(R))',
  adafactor_clip: '1 / max(1, RMS(û) / d)',
  adafactor: 'θ ← θ·(1 − η·λ) − η·û / max(1, RMS(û) / d)',
} as const

type FactoredOp = keyof typeof FACTORED_FORMULAS

/** One pass of Adafactor over all matrices. */
export const adafactorPass = {
  formula: ({ op }) => FACTORED_FORMULAS[op],
  dispatches({ op, attrs }, context) {
    const pass = FACTORED.find((entry) => entry.op === op)
    invariant(pass, `${op} is a pass of Adafactor`)
    const { name, over, provider, consts = {}, bindings } = pass
    const params = { matrices: attrs.matrices, rows: attrs.rows, columns: attrs.columns }
    return threads(
      {
        name,
        text: FACTORED_WGSL[name],
        providers: [control, factored, ...(provider ? [provider] : [])],
        bindings: bindings(context),
        params,
        threads: attrs[over],
        consts,
      },
      context,
    )
  },
} satisfies Op<FactoredOp>

/** The passes of Adafactor in order. */
export const ADAFACTOR_PASSES = FACTORED.map(({ op }) => op as FactoredOp)

export const publish: Op<'publish'> = {
  formula: ({ attrs }) => `${attrs.factor} of live forwards ← θ`,
  dispatches(step, context) {
    const [m = 0, n = 0] = shapeOf(step)
    const { stack, factor, to, toStride, at, begin, run, stride } = step.attrs
    const { a, lora } = context.adapterStack(stack)
    const [shard] = a.matrix.shards
    invariant(shard, 'the factors of a stack lie in one buffer')
    const target = factor === 'A' ? shard.buffer.gpu : lora
    const params = { m, n, dst_at: to, dst_stride: toStride, at, begin, run, stride }
    const bindings = [read(2, context.tensor(FLAT.parameters)), write(4, target)]
    return threads(
      { name: 'publish', text: publishWgsl, providers: [], bindings, params, threads: m * n },
      context,
    )
  },
}
