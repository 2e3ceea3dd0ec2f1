import cacheWgsl from '../../shaders/ops/cache.wgsl?raw'
import ropeWgsl from '../../shaders/ops/rope.wgsl?raw'
import ropeCacheWgsl from '../../shaders/ops/rope_cache.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel } from '../gpu/providers.ts'
import type { Program } from '../program/program.ts'
import { read, write, type Op } from './op.ts'

function rotation({ spec }: Program): { rotary: number; interleaved: number } {
  if (spec.positions.kind !== 'rope') return { rotary: 0, interleaved: 0 }
  return { rotary: spec.positions.rotaryDim, interleaved: spec.positions.layout === 'interleaved' ? 1 : 0 }
}

/** Rotary position embedding (Su et al. 2021), on queries or keys. */
export const rope: Op = {
  formula: () => '(a, b) → (a·cos θ − b·sin θ, b·cos θ + a·sin θ)',
  dispatches(step, context) {
    const [x] = step.inputs
    const n = step.shape.at(-1)
    invariant(x !== undefined && n !== undefined, `${step.name} has an input and a width`)
    const { rotary, interleaved } = rotation(context.program)
    return [
      {
        shader: kernel({ name: 'rope', text: ropeWgsl }, ['rotate']),
        bindings: [
          read(2, context.tensor(x)),
          read(3, context.ropeTable),
          write(4, context.tensor(step.name)),
        ],
        params: [n, context.program.spec.headDim, rotary, interleaved],
        grid: [Math.ceil(n / context.variant.workgroup), context.program.rows, 1],
      },
    ]
  },
}

/** Keys and values enter their sequence's pages. */
export const cache: Op = {
  formula: () => 'K[position] = k, V[position] = v',
  dispatches(step, context) {
    const [k, v] = step.inputs
    const n = step.shape.at(-1)
    invariant(
      k !== undefined && v !== undefined && n !== undefined && step.layer !== null,
      `${step.name} is in a layer`,
    )
    const pages = context.pages(step.layer)
    return [
      {
        shader: kernel({ name: 'cache', text: cacheWgsl }, []),
        bindings: [
          read(2, context.tensor(k)),
          read(3, context.tensor(v)),
          write(4, pages.k),
          write(5, pages.v),
          write(6, context.tensor(step.name)),
        ],
        params: [n, context.program.spec.headDim, context.program.rows],
        grid: [Math.ceil(n / context.variant.workgroup), context.program.rows, 1],
      },
    ]
  },
}

/** Splits the fused product, rotates queries and keys, and writes the pages, in one dispatch. Its tensor is the queries. */
export const ropeCache: Op = {
  formula: () => 'q = rope(q), K[position] = rope(k), V[position] = v',
  dispatches(step, context) {
    const { spec, rows } = context.program
    const [qkv] = step.inputs
    invariant(qkv !== undefined && step.layer !== null, `${step.name} is in a layer`)
    const pages = context.pages(step.layer)
    const { rotary, interleaved } = rotation(context.program)
    const qSize = spec.heads * spec.headDim
    const kvSize = spec.kvHeads * spec.headDim
    return [
      {
        shader: kernel({ name: 'rope_cache', text: ropeCacheWgsl }, ['rotate']),
        bindings: [
          read(2, context.tensor(qkv)),
          read(3, context.ropeTable),
          write(4, context.tensor(step.name)),
          write(5, pages.k),
          write(6, pages.v),
        ],
        params: [qSize, kvSize, spec.headDim, rotary, interleaved],
        grid: [Math.ceil((qSize + 2 * kvSize) / context.variant.workgroup), rows, 1],
      },
    ]
  },
}
