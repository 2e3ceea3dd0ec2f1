import type { Attrs, Mask, Model, StepInfo } from '../api/model.ts'
import type { OpName } from '../program/attrs.ts'
import { holdsContext, rolesOf, type StepRole } from './stepRoles.ts'

/** A step of one op, with that op's attributes. */
export type StepInfoOf<O extends OpName> = StepInfo & { readonly op: O; readonly attrs: Attrs[O] }

export function isInfo<O extends OpName>(
  step: StepInfo | undefined,
  ...ops: readonly O[]
): step is StepInfoOf<O> {
  return step !== undefined && (ops as readonly OpName[]).includes(step.op)
}

export type Block = 'attn' | 'mlp'

/** What a layer adds to the residual stream: a block's own output, or that of the norm behind it. */
export interface BlockOutput {
  step: string
  block: Block
}

/** Steps of a layer's attention, by what they do. */
export interface AttentionSteps {
  scores: string
  probs: string
  context: string
  cache: string
  heads: number
  /** Positions a row sees, its own among them; null: all that its mask lets through. */
  window: number | null
  /** The model's own. */
  mask: Mask
}

export interface LayerAnatomy {
  layer: number
  /** Names the whole layer in an edit: all its outputs. */
  name: string
  outputs: readonly BlockOutput[]
  /** The residual stream behind the layer. */
  stream: string
  /** Null for a layer without attention. */
  attention: AttentionSteps | null
}

/**
 * The parts of a model that are edited, measured and kept, found among its steps.
 */
export interface Anatomy {
  /** Where the residual stream starts; null before the steps are known. */
  start: string | null
  layers: readonly LayerAnatomy[]
  steps: ReadonlyMap<string, StepInfo>
  /** The steps in order. */
  list: readonly StepInfo[]
}

export const UNKNOWN_ANATOMY: Anatomy = { start: null, layers: [], steps: new Map(), list: [] }

function attentionOf(steps: readonly StepInfo[]): AttentionSteps | null {
  const find = <O extends OpName>(op: O): StepInfoOf<O> | undefined =>
    steps.find((step): step is StepInfoOf<O> => isInfo(step, op))
  const [scores, probs, context, cache] = [find('scores'), find('softmax'), find('context'), find('cache')]
  if (!scores || !probs || !context || !cache) return null
  return {
    scores: scores.name,
    probs: probs.name,
    context: context.name,
    cache: cache.name,
    heads: scores.attrs.heads,
    window: scores.attrs.window,
    mask: scores.attrs.mask ?? 'causal',
  }
}

/** Reads the parts of a model off its steps: what is added to the stream, the stream itself, and attention. */
export function anatomyOfSteps(list: readonly StepInfo[]): Anatomy {
  const steps = new Map(list.map((step) => [step.name, step]))
  const byLayer = new Map<number, StepInfo[]>()
  for (const step of list) {
    if (step.layer === null) continue
    const layer = byLayer.get(step.layer)
    if (layer === undefined) byLayer.set(step.layer, [step])
    else layer.push(step)
  }
  const layers = [...byLayer].map(([layer, layerSteps]): LayerAnatomy => {
    // The first input of an addition is the stream itself, as it is or normed.
    const added = new Set(
      layerSteps.filter(({ op }) => op === 'add').flatMap(({ inputs }) => inputs.slice(1)),
    )
    const written = layerSteps.flatMap(({ name, stream }) =>
      stream === 'writes' && added.has(name) ? [name] : [],
    )
    return {
      layer,
      name: `layers.${layer}`,
      outputs: written.map((step) => ({ step, block: holdsContext(steps, step) ? 'attn' : 'mlp' })),
      stream: layerSteps.findLast(({ op }) => op === 'add')?.name ?? '',
      attention: attentionOf(layerSteps),
    }
  })
  const start = list.find((step) => step.layer === null && step.stream === 'writes')?.name ?? null
  return { start, layers, steps, list }
}

/** The step that a block of a layer adds to the stream; undefined where the layer has no such block. */
export function outputOf({ layers }: Anatomy, layer: number, block: Block): string | undefined {
  return layers[layer]?.outputs.find((output) => output.block === block)?.step
}

/** The first step of a layer, or outside the layers, with one of these roles: with the first of them that there is. */
export function stepWithRole(
  list: readonly StepInfo[],
  layer: number | null,
  ...wanted: readonly StepRole[]
): StepInfo | undefined {
  const roles = rolesOf(list)
  for (const role of wanted) {
    const match = list.find((step) => step.layer === layer && roles.get(step.name) === role)
    if (match !== undefined) return match
  }
  return undefined
}

const anatomies = new WeakMap<Model, Promise<Anatomy>>()

/** The parts of a model, asked once. Adapters weave steps in, but leave the names of these to those that take their place. */
export function readAnatomy(model: Model): Promise<Anatomy> {
  const asked = anatomies.get(model) ?? model.steps({ rows: 1 }).then(anatomyOfSteps)
  anatomies.set(model, asked)
  // What failed is asked for anew next time.
  asked.catch(() => anatomies.delete(model))
  return asked
}
