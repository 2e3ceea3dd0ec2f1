import type { Attrs } from './attrs.ts'
import type { Fusing, Rule } from './fuse.ts'
import { stackProducts } from './fuseProducts.ts'
import { isOp, type Step, type StepOf } from './step.ts'

/** What lies between a product and the attention that reads it: a norm over each head, a rotation, or neither. */
interface Chain {
  readonly product: StepOf<'linear'>
  readonly norm: StepOf<'rms_norm'> | null
  readonly rope: StepOf<'rope'> | null
}

/** Follows an input of the attention back to its product; null where something else stands between, or is looked at. */
function chainTo(name: string | undefined, reader: Step, { graph, isFree }: Fusing): Chain | null {
  let next = name
  let at = reader
  const pass = <T extends Step>(step: T | null): T | null => {
    if (!step || !isFree(step) || !graph.isPrivate(step.name, [at])) return null
    at = step
    next = step.inputs[0]
    return step
  }
  const rope = pass(graph.producer(next, 'rope'))
  const norm = pass(graph.producer(next, 'rms_norm'))
  const product = pass(graph.producer(next, 'linear'))
  return product && { product, norm, rope }
}

/** The norms over heads as one kernel takes them: on both queries and keys or on neither, alike but for their weights. */
function headNorms(q: Chain, k: Chain, headDim: number): Attrs['rope_cache']['norm'] | 'unlike' {
  if (!q.norm && !k.norm) return null
  const [weightQ] = q.norm?.params ?? []
  const [weightK] = k.norm?.params ?? []
  if (!q.norm || !k.norm || !weightQ || !weightK) return 'unlike'
  const { width, eps, offset } = q.norm.attrs
  const other = k.norm.attrs
  if (width !== headDim || other.width !== headDim || eps !== other.eps || offset !== other.offset)
    return 'unlike'
  return { q: weightQ, k: weightK, eps, offset }
}

/** The rotation of queries and keys, which must be one. */
function rotation(q: Chain, k: Chain): Attrs['rope_cache']['rope'] | 'unlike' {
  const same = JSON.stringify(q.rope?.attrs) === JSON.stringify(k.rope?.attrs)
  return same ? (q.rope?.attrs ?? null) : 'unlike'
}

/** (norm →) q, k, v as one product, then (norms, rotation and) cache in one kernel, whose tensor is the queries. */
export const attentionInput: Rule = (last, fusing) => {
  if (!isOp(last, 'cache')) return null
  const { graph } = fusing
  const scores = graph.readers(last.name).find((reader) => isOp(reader, 'scores'))
  if (!scores || !isOp(scores, 'scores') || graph.isObserved(last.name)) return null
  const q = chainTo(scores.inputs[0], scores, fusing)
  const k = chainTo(last.inputs[0], last, fusing)
  const v = chainTo(last.inputs[1], last, fusing)
  if (!q || !k || !v || v.norm || v.rope) return null
  const { heads, kvHeads, headDim } = scores.attrs
  const norm = headNorms(q, k, headDim)
  const rope = rotation(q, k)
  if (norm === 'unlike' || rope === 'unlike') return null
  const product = stackProducts([q.product, k.product, v.product], fusing)
  const stack = product?.makes.at(-1)?.step
  if (!product || !stack) return null
  const own = [q.norm, k.norm, q.rope, k.rope, last].filter((step) => step !== null)
  const step: Step = {
    ...last,
    op: 'rope_cache',
    inputs: [stack.name],
    params: own.flatMap(({ params }) => params),
    attrs: { heads, kvHeads, headDim, norm, rope },
    axes: q.product.axes,
    flops: own.reduce((sum, { flops }) => sum + flops, 0),
    covers: own.map(({ name }) => name),
  }
  return {
    covers: [...product.covers, ...own],
    makes: [...product.makes, { step, at: last.name }],
    // Queries that nothing norms or turns still leave the product for a tensor of their own.
    moved: { from: scores.inputs[0] ?? '', to: step.name },
  }
}

/** scores → softmax → context without storing the probabilities (Dao et al. 2022). */
export const fusedAttention: Rule = (last, { graph, isFree }) => {
  if (!isOp(last, 'context')) return null
  const softmax = graph.producer(last.inputs[0], 'softmax')
  const scores = graph.producer(softmax?.inputs[0], 'scores')
  if (!softmax || !scores || ![softmax, scores].every(isFree)) return null
  if (!graph.isPrivate(scores.name, [softmax]) || !graph.isPrivate(softmax.name, [last])) return null
  const covered = [scores, softmax, last]
  const step: Step = {
    ...last,
    op: 'attention',
    inputs: scores.inputs,
    attrs: scores.attrs,
    flops: covered.reduce((sum, { flops }) => sum + flops, 0),
    covers: covered.map(({ name }) => name),
  }
  return { covers: covered, makes: [{ step, at: last.name }] }
}
