import type { Attrs, QueryKeyNorm } from './attrs.ts'
import type { Fusing, FusionRule } from './fuse.ts'
import { foldedNorm, stackProducts, type NormStep } from './fuseProducts.ts'
import { isOp, widthOf, type Step, type StepOf } from './step.ts'

/** What lies between a product and the attention that reads it: a norm, a bound, a rotation, or none of them. */
interface Chain {
  readonly product: StepOf<'linear'>
  readonly norm: NormStep | null
  readonly clamp: StepOf<'clamp'> | null
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
  const clamp = pass(graph.producer(next, 'clamp'))
  const norm = pass(graph.producer(next, 'rms_norm', 'layer_norm'))
  const product = pass(graph.producer(next, 'linear'))
  return product && { product, norm, clamp, rope }
}

/** The norms as one kernel takes them: on both queries and keys or on neither, alike but for their weights. */
function queryKeyNorm(q: Chain, k: Chain, headDim: number): QueryKeyNorm | 'unlike' | null {
  if (!q.norm && !k.norm) return null
  if (!q.norm || !k.norm) return 'unlike'
  const norm = foldedNorm(q.norm)
  const isWide = [q.norm, k.norm].every((step) => step.attrs.width === widthOf(step))
  const width = isWide ? q.norm.attrs.width : headDim
  const same =
    JSON.stringify(norm) === JSON.stringify({ ...foldedNorm(k.norm), ...(isWide ? { width } : {}) })
  if (!same || norm.width !== width) return 'unlike'
  return { norm, isWide: isWide && width !== headDim, q: q.norm.params, k: k.norm.params }
}

/** The rotation of queries and keys, which must be one. */
function rotation(q: Chain, k: Chain): Attrs['rope_cache']['rope'] | 'unlike' {
  const [ofQ, ofK] = [q.rope?.attrs, k.rope?.attrs]
  const same = ofQ === ofK || JSON.stringify(ofQ) === JSON.stringify(ofK)
  return same ? (q.rope?.attrs ?? null) : 'unlike'
}

/** The bound on queries, keys and values, which must be one; null where none is. Only the kernel that norms heads knows it. */
function boundOf(chains: readonly Chain[], isNormed: boolean): number | null | 'unlike' {
  const [limit, ...others] = chains.map(({ clamp }) => clamp?.attrs.limit ?? null)
  if (limit === undefined || others.some((other) => other !== limit)) return 'unlike'
  return limit === null || isNormed ? limit : 'unlike'
}

/** (norm →) q, k, v as one product, then (norms, bounds, rotation and) cache in one kernel, whose tensor is the queries. */
export const attentionInput: FusionRule = (last, fusing) => {
  if (!isOp(last, 'cache')) return null
  const { graph } = fusing
  const scores = graph.readers(last.name).find((reader) => isOp(reader, 'scores'))
  if (!scores || !isOp(scores, 'scores') || graph.isObserved(last.name)) return null
  // A factor of the position stays a step of its own, behind the kernel.
  const scaled = graph.producer(scores.inputs[0], 'position_scale')
  const q = scaled ? chainTo(scaled.inputs[0], scaled, fusing) : chainTo(scores.inputs[0], scores, fusing)
  const k = chainTo(last.inputs[0], last, fusing)
  const v = chainTo(last.inputs[1], last, fusing)
  if (!q || !k || !v || v.norm || v.rope) return null
  const { heads, kvHeads, headDim } = scores.attrs
  const norm = queryKeyNorm(q, k, headDim)
  const rope = rotation(q, k)
  const limit = boundOf([q, k, v], norm !== null)
  if (norm === 'unlike' || rope === 'unlike' || limit === 'unlike') return null
  const product = stackProducts([q.product, k.product, v.product], fusing)
  const stack = product?.makes.at(-1)
  if (!product || !stack) return null
  const clamps = [q.clamp, k.clamp, v.clamp]
  const covered = [q.norm, k.norm, ...clamps, q.rope, k.rope, last].filter((step) => step !== null)
  const step: Step = {
    ...last,
    op: 'rope_cache',
    inputs: [stack.step.name],
    params: covered.flatMap(({ params }) => params),
    attrs: { heads, kvHeads, headDim, norm, rope, ...(limit === null ? {} : { limit }) },
    axes: q.product.axes,
    flops: covered.reduce((sum, { flops }) => sum + flops, 0),
    covers: covered.map(({ name }) => name),
  }
  return {
    covers: [...product.covers, ...covered],
    // What scales the queries stands before the cache: the kernel comes right behind its product.
    makes: [...product.makes, { step, at: stack.at }],
    // Queries that nothing norms or turns still leave the product for a tensor of their own.
    moved: { from: (scaled ?? scores).inputs[0] ?? '', to: step.name },
  }
}

/** scores → softmax → context without storing the probabilities (Dao et al. 2022). */
export const fusedAttention: FusionRule = (last, { graph, isFree }) => {
  if (!isOp(last, 'context')) return null
  // The kernel reads heads four elements at a time.
  if (last.attrs.headDim % 4 !== 0) return null
  const softmax = graph.producer(last.inputs[0], 'softmax')
  const scores = graph.producer(softmax?.inputs[0], 'scores')
  if (!softmax || !scores || ![softmax, scores].every(isFree)) return null
  if (!graph.isPrivate(scores.name, [softmax]) || !graph.isPrivate(softmax.name, [last])) return null
  const covered = [scores, softmax, last]
  const step: Step = {
    ...last,
    op: 'attention',
    inputs: scores.inputs,
    params: covered.flatMap(({ params }) => params),
    attrs: scores.attrs,
    flops: covered.reduce((sum, { flops }) => sum + flops, 0),
    covers: covered.map(({ name }) => name),
  }
  return { covers: covered, makes: [{ step, at: last.name }] }
}
