import productsWgsl from '../../../shaders/backward/attention_products.wgsl?raw'
import sumsWgsl from '../../../shaders/backward/attention_sums.wgsl?raw'
import softcapDxWgsl from '../../../shaders/backward/softcap_dx.wgsl?raw'
import seenWgsl from '../../../shaders/backward/sums_seen.wgsl?raw'
import seersWgsl from '../../../shaders/backward/sums_seers.wgsl?raw'
import softmaxDxWgsl from '../../../shaders/backward/softmax_dx.wgsl?raw'
import textsWgsl from '../../../shaders/backward/texts.wgsl?raw'
import { kernel, reduceProvider } from '../../gpu/providers.ts'
import type { Window } from '../../program/attrs.ts'
import { elementsOf, shapeOf, type Step } from '../../program/step.ts'
import type { DenseAttrs } from '../../program/trainAttrs.ts'
import { windowParam } from '../attention.ts'
import { factorFormula, scoresFormula } from '../formulas.ts'
import { inputOf, read, write, type Dispatch, type Op, type OpContext, type OpStep } from '../op.ts'
import type { BackwardRule } from './tape.ts'

/** Sides that a square [heads, rows, positions] is summed over: what a row sees, or the rows that see it. */
const SIDES = {
  seen: { name: 'backward/sums_seen.wgsl', text: seenWgsl },
  seers: { name: 'backward/sums_seers.wgsl', text: seersWgsl },
} as const

const texts = { name: 'backward/texts.wgsl', text: textsWgsl }

const BLOCK = 4

/** Products of rows with rows that they see: scores, or the gradient of probabilities. */
function products(
  step: OpStep<'dense_scores' | 'context_dprobs'>,
  scale: number,
  softcap: number | null,
  context: OpContext,
): Dispatch[] {
  const [, rows = 0, positions = 0] = shapeOf(step)
  const { heads, kvHeads, headDim, window } = step.attrs
  const blocks = Math.ceil(rows / BLOCK)
  const cap = softcap === null ? 'softcap_none' : 'softcap_tanh'
  return [
    {
      shader: kernel({ name: 'attention_products', text: productsWgsl }, [texts, cap]),
      bindings: [
        read(2, inputOf(step, 0, context)),
        read(3, inputOf(step, 1, context)),
        write(4, context.tensor(step.name)),
      ],
      params: {
        heads,
        kv_heads: kvHeads,
        head_dim: headDim,
        positions,
        rows,
        scale,
        softcap: softcap ?? 0,
        window: windowParam(window),
      },
      grid: [Math.ceil(blocks / context.variant.workgroup), blocks, heads],
    },
  ]
}

/** Sums over one side of a square. */
function sums(
  step: Step & { readonly attrs: DenseAttrs },
  { square, x, scale }: { square: number; x: number; scale: number },
  side: keyof typeof SIDES,
  { size, variant, ...context }: OpContext,
): Dispatch[] {
  const { heads, kvHeads, headDim, window } = step.attrs
  const name = step.inputs[square] ?? ''
  const threads = (side === 'seen' ? heads : kvHeads) * Math.ceil(headDim / BLOCK)
  const all = { size, variant, ...context }
  return [
    {
      shader: kernel({ name: 'attention_sums', text: sumsWgsl }, [texts, SIDES[side]]),
      bindings: [
        read(2, context.tensor(name)),
        read(3, inputOf(step, x, all)),
        write(4, context.tensor(step.name)),
      ],
      params: {
        heads,
        kv_heads: kvHeads,
        head_dim: headDim,
        positions: size.positions,
        rows: size.rows,
        scale,
        window: windowParam(window),
      },
      grid: [Math.ceil(threads / variant.workgroup), Math.ceil(size.rows / BLOCK), 1],
    },
  ]
}

/** Attention over texts in the rows: nothing goes through pages, so that gradients can flow to keys and values. */
export const denseScores: Op<'dense_scores'> = {
  formula: ({ attrs }) => `s = ${scoresFormula(attrs)}`,
  dispatches: (step, context) => products(step, step.attrs.scale, step.attrs.softcap, context),
}

export const denseContext: Op<'dense_context'> = {
  formula: () => 'context = p·V',
  dispatches: (step, context) => sums(step, { square: 0, x: 1, scale: 1 }, 'seen', context),
}

const dense = ({ heads, kvHeads, headDim, window }: DenseAttrs): DenseAttrs => ({
  heads,
  kvHeads,
  headDim,
  window,
})

export const contextRule: BackwardRule<'dense_context'> = (step, dy, tape) => {
  const [probs = '', v = ''] = step.inputs
  const flops = 2 * step.attrs.headDim * elementsOf(tape.step(probs))
  const attrs = dense(step.attrs)
  if (tape.wants(probs)) {
    const { axes } = tape.step(probs)
    const parts = { name: `${step.name}.dprobs`, inputs: [dy, v], attrs, axes, flops }
    tape.flow(probs, tape.emit(step, 'context_dprobs', parts))
  }
  if (tape.wants(v)) {
    const { axes } = tape.step(v)
    const parts = { name: `${step.name}.dv`, inputs: [probs, dy], attrs, axes, flops }
    tape.flow(v, tape.emit(step, 'context_dv', parts))
  }
}

export const softmaxRule: BackwardRule<'dense_softmax'> = (step, dy, tape) => {
  const { attrs, axes } = step
  const parts = { name: `${step.name}.dx`, inputs: [dy, step.name], attrs, axes }
  tape.flow(step.inputs[0] ?? '', tape.emit(step, 'softmax_dx', { ...parts, flops: 4 * elementsOf(step) }))
}

/** Gradient of the products before their cap, where there is one. */
function uncapped(
  step: OpStep<'dense_scores'>,
  dy: string,
  tape: Parameters<BackwardRule<'add'>>[2],
): string {
  const { softcap, window } = step.attrs
  if (softcap === null) return dy
  const parts = {
    name: `${step.name}.dx`,
    inputs: [dy, step.name],
    attrs: { softcap, window },
    axes: step.axes,
  }
  return tape.emit(step, 'softcap_dx', { ...parts, flops: 4 * elementsOf(step) })
}

export const scoresRule: BackwardRule<'dense_scores'> = (step, dy, tape) => {
  const [q = '', k = ''] = step.inputs
  const ds = uncapped(step, dy, tape)
  const attrs = { ...dense(step.attrs), scale: step.attrs.scale }
  const flops = 2 * attrs.headDim * elementsOf(step)
  if (tape.wants(q)) {
    const parts = { name: `${step.name}.dq`, inputs: [ds, k], attrs, axes: tape.step(q).axes, flops }
    tape.flow(q, tape.emit(step, 'scores_dq', parts))
  }
  if (tape.wants(k)) {
    const parts = { name: `${step.name}.dk`, inputs: [ds, q], attrs, axes: tape.step(k).axes, flops }
    tape.flow(k, tape.emit(step, 'scores_dk', parts))
  }
}

export const contextDprobs: Op<'context_dprobs'> = {
  formula: () => 'dp = dy·Vᵀ',
  dispatches: (step, context) => products(step, 1, null, context),
}

export const contextDv: Op<'context_dv'> = {
  formula: () => 'dV = pᵀ·dy, summed over the query heads of a key-value head',
  dispatches: (step, context) => sums(step, { square: 0, x: 1, scale: 1 }, 'seers', context),
}

export const scoresDq: Op<'scores_dq'> = {
  formula: ({ attrs }) => `dq = ${factorFormula(attrs.scale)}ds·K`,
  dispatches: (step, context) => sums(step, { square: 0, x: 1, scale: step.attrs.scale }, 'seen', context),
}

export const scoresDk: Op<'scores_dk'> = {
  formula: ({ attrs }) =>
    `dK = ${factorFormula(attrs.scale)}dsᵀ·q, summed over the query heads of a key-value head`,
  dispatches: (step, context) => sums(step, { square: 0, x: 1, scale: step.attrs.scale }, 'seers', context),
}

/** Shader, inputs and grid of what goes element by element over a square. */
function squarePass(
  step: Step,
  window: Window,
  context: OpContext,
): Pick<Dispatch, 'bindings'> & {
  params: Record<'rows' | 'positions' | 'window', number>
} {
  const [, rows = 0, positions = 0] = shapeOf(step)
  return {
    bindings: [
      read(2, inputOf(step, 0, context)),
      read(3, inputOf(step, 1, context)),
      write(4, context.tensor(step.name)),
    ],
    params: { rows, positions, window: windowParam(window) },
  }
}

export const softmaxDx: Op<'softmax_dx'> = {
  formula: () => 'ds = p ∘ (dp − Σ dp ∘ p)',
  dispatches(step, context) {
    const [heads = 0, rows = 0] = shapeOf(step)
    const providers = [texts, reduceProvider(context.variant)]
    const shader = kernel({ name: 'softmax_dx', text: softmaxDxWgsl }, providers)
    return [{ shader, ...squarePass(step, step.attrs.window, context), grid: [rows, heads, 1] }]
  },
}

export const softcapDx: Op<'softcap_dx'> = {
  formula: ({ attrs }) => `dx = ds ∘ (1 − (s / ${attrs.softcap})²)`,
  dispatches(step, context) {
    const [heads = 0, rows = 0, positions = 0] = shapeOf(step)
    const { softcap, window } = step.attrs
    const pass = squarePass(step, window, context)
    return [
      {
        shader: kernel({ name: 'softcap_dx', text: softcapDxWgsl }, [texts]),
        ...pass,
        params: { ...pass.params, softcap },
        grid: [Math.ceil(positions / context.variant.workgroup), rows, heads],
      },
    ]
  },
}
