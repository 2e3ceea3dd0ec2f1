import cacheWgsl from '../../shaders/ops/cache.wgsl?raw'
import ropeWgsl from '../../shaders/ops/rope.wgsl?raw'
import ropeCacheWgsl from '../../shaders/ops/rope_cache.wgsl?raw'
import ropeCacheNormWgsl from '../../shaders/ops/rope_cache_norm.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, reductionProviders } from '../gpu/providers.ts'
import type { RopeAttrs } from '../program/attrs.ts'
import { shapeOf, widthOf, type Step } from '../program/step.ts'
import { kvConsts, kvWritten, unitsOf, type KvPages } from './kvFormats.ts'
import { biasAt, runNormParams } from './norm.ts'
import {
  elementGrid,
  inputOf,
  read,
  write,
  type Dispatch,
  type KernelParams,
  type Op,
  type OpContext,
  type OpStep,
} from './op.ts'

function rotation(rope: RopeAttrs | null): KernelParams {
  return { rotary: rope?.table.rotary ?? 0, interleaved: rope?.layout === 'interleaved' ? 1 : 0 }
}

function pagesOf(step: Step, context: OpContext): KvPages {
  invariant(step.layer !== null, `${step.name} is in a layer`)
  return context.pages(step.layer)
}

/** Rotary position embedding (Su et al. 2021), on queries or keys. */
export const rope: Op<'rope'> = {
  formula: ({ attrs: { table, headDim } }) =>
    `(a, b) → (a·cos φ − b·sin φ, b·cos φ + a·sin φ), φᵢ = position·${table.theta}^(−2i/${table.rotary})${
      table.rotary === headDim ? '' : `, i < ${table.rotary / 2}`
    }${table.scaling.kind === 'none' ? '' : ` (${table.scaling.kind})`}`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'rope', text: ropeWgsl }, ['rotate']),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.ropeTable(step.attrs.table)),
          write(4, context.tensor(step.name)),
        ],
        params: { n, head_dim: step.attrs.headDim, ...rotation(step.attrs) },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** Keys and values enter their sequence's pages. */
export const cache: Op<'cache'> = {
  formula: () => 'K[position] = k, V[position] = v',
  dispatches(step, context) {
    const [, rows = 0] = shapeOf(step)
    const { kvHeads, headDim } = step.attrs
    const pages = pagesOf(step, context)
    return [
      {
        shader: kernel({ name: 'cache', text: cacheWgsl }, [pages.format.write], kvConsts(headDim)),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(6, context.tensor(step.name)),
          ...kvWritten(pages),
        ],
        params: { kv_heads: kvHeads, head_dim: headDim, rows },
        grid: elementGrid(kvHeads * unitsOf(headDim, pages.format), context),
      },
    ]
  },
}

/** Heads are normed before they turn: threads share a sum of squares, so a group of them takes a head. */
function normedRopeCache(step: OpStep<'rope_cache'>, context: OpContext): Dispatch {
  const { heads, kvHeads, headDim, norm, rope, limit = 0 } = step.attrs
  invariant(norm, `${step.name} norms its heads`)
  const { variant, size } = context
  const pages = pagesOf(step, context)
  const all = heads + 2 * kvHeads
  const [qWeight, kWeight] = [norm.q[0], norm.k[0]]
  invariant(qWeight && kWeight, `${step.name} has the weights of its norms`)
  const shared = !norm.isWide && qWeight.shape[0] === headDim
  return {
    shader: kernel(
      { name: 'rope_cache_norm', text: ropeCacheNormWgsl },
      ['run_norm', ...reductionProviders(variant), pages.format.write],
      kvConsts(headDim),
    ),
    bindings: [
      read(2, inputOf(step, 0, context)),
      read(3, context.ropeTable(rope?.table ?? null)),
      write(4, context.tensor(step.name)),
      ...kvWritten(pages),
      read(7, context.vector(qWeight.name)),
      read(8, context.vector(kWeight.name)),
    ],
    params: {
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      ...rotation(rope),
      wide: norm.isWide ? 1 : 0,
      weight_stride: shared ? 0 : headDim,
      q_bias: biasAt(norm.q),
      k_bias: biasAt(norm.k),
      ...runNormParams(norm.norm),
      limit,
    },
    grid: [variant.threadPerOutput ? Math.ceil(all / variant.workgroup) : all, size.rows, 1],
  }
}

/** Splits the stacked product, (norms and) rotates queries and keys, and writes the pages, in one dispatch. Its tensor is the queries. */
export const ropeCache: Op<'rope_cache'> = {
  formula: ({ attrs }) => {
    const { limit } = attrs
    const bounded = (x: string): string => (limit === undefined ? x : `clamp(${x}, ±${limit})`)
    const normed = (x: string): string => (attrs.norm ? bounded(`norm(${x})`) : x)
    const turned = (x: string): string => (attrs.rope ? `rope(${normed(x)})` : normed(x))
    return `q = ${turned('q')}, K[position] = ${turned('k')}, V[position] = ${bounded('v')}`
  },
  dispatches(step, context) {
    const { heads, kvHeads, headDim, norm, rope } = step.attrs
    if (norm) return [normedRopeCache(step, context)]
    const pages = pagesOf(step, context)
    const qSize = heads * headDim
    return [
      {
        shader: kernel(
          { name: 'rope_cache', text: ropeCacheWgsl },
          ['rotate', pages.format.write],
          kvConsts(headDim),
        ),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.ropeTable(rope?.table ?? null)),
          write(4, context.tensor(step.name)),
          ...kvWritten(pages),
        ],
        params: { q_size: qSize, kv_heads: kvHeads, head_dim: headDim, ...rotation(rope) },
        grid: elementGrid(qSize + 2 * kvHeads * unitsOf(headDim, pages.format), context),
      },
    ]
  },
}
