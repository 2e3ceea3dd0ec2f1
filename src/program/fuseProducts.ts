import type { FoldedNorm } from './attrs.ts'
import type { Fusing, Fusion, FusedStep, FusionRule } from './fuse.ts'
import { isOp, widthOf, type Step, type StepOf } from './step.ts'

export type NormStep = StepOf<'rms_norm'> | StepOf<'layer_norm'>

/** A norm's attributes, for the kernel that it is folded into. */
export function foldedNorm(norm: NormStep): FoldedNorm {
  return norm.op === 'rms_norm' ? { kind: norm.op, ...norm.attrs } : { kind: norm.op, ...norm.attrs }
}

/** True when a norm goes over whole rows, as a product that folds it needs. */
function isWholeRow(norm: NormStep): boolean {
  return norm.attrs.width === widthOf(norm)
}

/** What surrounds some products over one input once the norm before them is folded in. */
interface Folding {
  readonly norm: NormStep
  readonly lead: readonly FusedStep[]
  readonly covers: readonly Step[]
}

/**
 * The norm before these products, when few rows let each product compute it anew, and nothing else reads it. The A·x of adapters
 * reads it too and then folds it likewise, and so do those `beside`.
 */
export function foldNorm(
  products: readonly StepOf<'linear'>[],
  { graph, options, isFree }: Fusing,
  beside: readonly Step[] = [],
): Folding | null {
  const [first] = products
  const norm = graph.producer(first?.inputs[0], 'rms_norm', 'layer_norm')
  if (!first || !norm || !isFree(norm) || !isWholeRow(norm)) return null
  const rows = first.rows === 'all' ? graph.program.rows : graph.program.logitRows
  if (rows > options.foldRows) return null
  const low = graph.readers(norm.name).filter((reader) => isOp(reader, 'lora_a'))
  if (!graph.isPrivate(norm.name, [...products, ...beside, ...low])) return null
  const lead = low.map((step): FusedStep => ({
    at: step.name,
    step: {
      ...step,
      op: 'norm_lora_a',
      inputs: norm.inputs,
      params: norm.params,
      attrs: { stack: step.attrs.stack, norm: foldedNorm(norm) },
      covers: [step.name],
    },
  }))
  return { norm, lead, covers: [norm, ...low] }
}

/** Name of the stacked matrix of these products, null unless they are a whole stack that lies in one buffer. */
export function stackedMatrix(
  products: readonly StepOf<'linear'>[],
  { graph, options }: Fusing,
): string | null {
  const stack = graph.stackOf(products)
  return stack && options.isSingleBuffer(stack.name) ? stack.name : null
}

/** The A·x of adapters on these products: their second input. */
export function lowRankInputs(products: readonly StepOf<'linear'>[]): readonly string[] {
  return [...new Set(products.flatMap(({ inputs }) => inputs.slice(1)))]
}

/** The matrix of a product and the adapters on it. */
export function productAttrs(
  [first]: readonly StepOf<'linear'>[],
  matrix: string,
): { matrix: string; lora?: string } {
  const lora = first?.attrs.lora
  return lora === undefined ? { matrix } : { matrix, lora }
}

export const flopsOf = (steps: readonly Step[]): number => steps.reduce((sum, { flops }) => sum + flops, 0)

/** Products that share their input as one, with the norm before them folded in where that is possible. */
export function stackProducts(products: readonly StepOf<'linear'>[], fusing: Fusing): Fusion | null {
  const [first] = products
  const last = products.at(-1)
  const matrix = stackedMatrix(products, fusing)
  if (!first || !last || matrix === null || !products.every(fusing.isFree)) return null
  const folding = foldNorm(products, fusing)
  const covered = folding ? [folding.norm, ...products] : products
  const common = {
    name: matrix,
    layer: first.layer,
    axes: [
      ...first.axes.slice(0, -1),
      { kind: 'features' as const, size: products.reduce((sum, step) => sum + widthOf(step), 0) },
    ],
    stream: null,
    saves: [],
    rows: first.rows,
    flops: flopsOf(covered),
    covers: covered.map(({ name }) => name),
    params: covered.flatMap(({ params }) => params),
  }
  const attrs = productAttrs(products, matrix)
  const input = folding ? folding.norm.inputs : first.inputs.slice(0, 1)
  const inputs = [...input, ...lowRankInputs(products)]
  const step: Step = folding
    ? {
        ...common,
        inputs,
        op: 'norm_linear',
        attrs: { ...attrs, norm: foldedNorm(folding.norm), scale: 1, softcap: null },
      }
    : { ...common, inputs, op: 'linear', attrs: { ...attrs, scale: 1, softcap: null } }
  return {
    covers: [...products, ...(folding?.covers ?? [])],
    makes: [...(folding?.lead ?? []), { step, at: last.name }],
  }
}

/** norm → gate, up → act(gate)·up in one kernel for few rows; for many, one product for gate and up. */
export const gatedProduct: FusionRule = (last, fusing) => {
  if (!isOp(last, 'gate') || last.attrs.clamp) return null
  const { graph } = fusing
  const gate = graph.producer(last.inputs[0], 'linear')
  const up = graph.producer(last.inputs[1], 'linear')
  if (!gate || !up || gate === up || ![gate, up].every((step) => graph.isPrivate(step.name, [last])))
    return null
  const products = [gate, up]
  const folding = foldNorm(products, fusing)
  if (!folding) return stackProducts(products, fusing)
  const matrix = stackedMatrix(products, fusing)
  if (matrix === null || !products.every(fusing.isFree)) return null
  const covered = [folding.norm, ...products, last]
  const step: Step = {
    ...last,
    op: 'norm_gated',
    inputs: [...folding.norm.inputs, ...lowRankInputs(products)],
    params: covered.flatMap(({ params }) => params),
    attrs: {
      ...productAttrs(products, matrix),
      norm: foldedNorm(folding.norm),
      activation: last.attrs.activation,
    },
    flops: flopsOf(covered),
    covers: covered.map(({ name }) => name),
  }
  return {
    covers: [...products, last, ...folding.covers],
    makes: [...folding.lead, { step, at: last.name }],
  }
}

/** (norm →) product → activation, of an ungated MLP. */
export const activatedProduct: FusionRule = (last, fusing) => {
  if (!isOp(last, 'activation')) return null
  const product = fusing.graph.producer(last.inputs[0], 'linear')
  if (!product || !fusing.isFree(product) || !fusing.graph.isPrivate(product.name, [last])) return null
  const folding = foldNorm([product], fusing)
  const covered = [...(folding ? [folding.norm] : []), product, last]
  const attrs = productAttrs([product], product.attrs.matrix)
  const common = {
    ...last,
    inputs: folding ? [...folding.norm.inputs, ...product.inputs.slice(1)] : product.inputs,
    params: covered.flatMap(({ params }) => params),
    flops: flopsOf(covered),
    covers: covered.map(({ name }) => name),
  }
  const { activation } = last.attrs
  const step: Step = folding
    ? {
        ...common,
        op: 'norm_linear_activation',
        attrs: { ...attrs, activation, norm: foldedNorm(folding.norm) },
      }
    : { ...common, op: 'linear_activation', attrs: { ...attrs, activation } }
  return {
    covers: [product, last, ...(folding?.covers ?? [])],
    makes: [...(folding?.lead ?? []), { step, at: last.name }],
  }
}

/** product → + residual. */
export const addedProduct: FusionRule = (last, fusing) => {
  if (!isOp(last, 'add')) return null
  const [stream, added] = last.inputs
  const product = fusing.graph.producer(added, 'linear')
  if (stream === undefined || !product || !fusing.isFree(product)) return null
  if (product.attrs.softcap !== null || product.attrs.scale !== 1) return null
  if (!fusing.graph.isPrivate(product.name, [last])) return null
  const [x, ...low] = product.inputs
  if (x === undefined) return null
  const step: Step = {
    ...last,
    op: 'linear_add',
    inputs: [x, stream, ...low],
    params: product.params,
    attrs: { ...productAttrs([product], product.attrs.matrix), scale: last.attrs.scale },
    flops: product.flops + last.flops,
    covers: [product.name, last.name],
  }
  return { covers: [product, last], makes: [{ step, at: last.name }] }
}

/** norm → + residual: a block's output is normed before it joins the stream. */
export const addedNorm: FusionRule = (last, fusing) => {
  if (!isOp(last, 'add')) return null
  const [stream, added] = last.inputs
  const norm = fusing.graph.producer(added, 'rms_norm', 'layer_norm')
  if (stream === undefined || !norm || !fusing.isFree(norm) || !isWholeRow(norm)) return null
  if (!fusing.graph.isPrivate(norm.name, [last])) return null
  const step: Step = {
    ...last,
    op: 'norm_add',
    inputs: [...norm.inputs, stream],
    params: norm.params,
    attrs: { norm: foldedNorm(norm), scale: last.attrs.scale },
    flops: norm.flops + last.flops,
    covers: [norm.name, last.name],
  }
  return { covers: [norm, last], makes: [{ step, at: last.name }] }
}

/** norm → product, where the norm is read by nothing else: the head. */
export const normedProduct: FusionRule = (last, fusing) => {
  if (!isOp(last, 'linear') || !fusing.isFree(last)) return null
  const folding = foldNorm([last], fusing)
  if (!folding) return null
  const covered = [folding.norm, last]
  const step: Step = {
    ...last,
    op: 'norm_linear',
    inputs: [...folding.norm.inputs, ...last.inputs.slice(1)],
    params: covered.flatMap(({ params }) => params),
    attrs: { ...last.attrs, norm: foldedNorm(folding.norm) },
    flops: flopsOf(covered),
    covers: covered.map(({ name }) => name),
  }
  return { covers: [last, ...folding.covers], makes: [...folding.lead, { step, at: last.name }] }
}
