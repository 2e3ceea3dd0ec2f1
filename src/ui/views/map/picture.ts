import type { StepInfo } from '../../../api/model.ts'
import { anatomyOfSteps, isInfo, type Anatomy, type Block } from '../../../analysis/anatomy.ts'

/** What a part of a layer adds to the residual stream. */
export interface MapWrite {
  /** Whose output is added. */
  step: string
  /** The stream behind the addition. */
  sum: string
  block: Block
}

/** Heads of a layer's attention. */
export interface MapHeads {
  /** Step of the weights, `[heads, rows, positions]`. */
  probs: string
  count: number
  /** Positions a row sees; null: all. */
  window: number | null
}

/** Experts of a layer. */
export interface MapExperts {
  /** Step that numbers those a row takes, `[rows, chosen]`. */
  taken: string
  /** Step of what each of them weighs, in the same order; null where none says. */
  weights: string | null
  count: number
}

/** One layer: a line of the picture. */
export interface MapLayer {
  layer: number
  steps: readonly StepInfo[]
  writes: readonly MapWrite[]
  heads: MapHeads | null
  experts: MapExperts | null
  /** The widest step behind an activation outside attention: what the MLP is about to sum up. */
  inner: string | null
  /** The stream behind the layer. */
  out: string
}

/** The whole model, from the tokens to the scores of the next one. */
export interface Picture {
  /** Steps before the layers, in order; the last is the stream that the first layer reads. */
  firstSteps: readonly StepInfo[]
  layers: readonly MapLayer[]
  /** Steps behind the layers: the last norm, the head. */
  lastSteps: readonly StepInfo[]
  /** Rows see later positions as well: nothing flows to a next token. */
  seesLater: boolean
}

function headsOf(steps: readonly StepInfo[]): MapHeads | null {
  const probs = steps.find(({ op }) => op === 'softmax')
  const axis = probs?.axes.find(({ kind }) => kind === 'heads')
  if (!isInfo(probs, 'softmax') || axis === undefined) return null
  return { probs: probs.name, count: axis.size, window: probs.attrs.window }
}

/** Experts are taken by numbers: a step over rows and experts that says of how many it chooses. */
function expertsOf(steps: readonly StepInfo[]): MapExperts | null {
  const overExperts = steps.filter(({ axes }) => axes.at(-1)?.kind === 'experts')
  const countOf = ({ attrs }: StepInfo): number | null =>
    'experts' in attrs && typeof attrs.experts === 'number' ? attrs.experts : null
  const taken = overExperts.find((step) => countOf(step) !== null)
  const count = taken === undefined ? null : countOf(taken)
  if (taken === undefined || count === null) return null
  const weights = overExperts.find(({ inputs }) => inputs.includes(taken.name))
  return { taken: taken.name, weights: weights?.name ?? null, count }
}

/** Elements of a row. */
const rowSize = ({ axes }: StepInfo): number =>
  axes.reduce((size, axis) => (axis.kind === 'rows' ? size : size * axis.size), 1)

function innerOf(steps: readonly StepInfo[]): string | null {
  const active = steps.filter(({ op }) => op === 'gate' || op === 'activation')
  const widest = active.toSorted((a, b) => rowSize(b) - rowSize(a))[0]
  return widest?.name ?? null
}

function layerOf({ steps: all }: Anatomy, { layer, outputs }: Anatomy['layers'][number]): MapLayer {
  const steps = [...all.values()].filter((step) => step.layer === layer)
  const writes = outputs.flatMap(({ step, block }): MapWrite[] => {
    const sum = steps.find(({ op, inputs }) => op === 'add' && inputs.slice(1).includes(step))
    return sum === undefined ? [] : [{ step, sum: sum.name, block }]
  })
  const out = steps.at(-1)?.name ?? ''
  return {
    layer,
    steps,
    writes,
    heads: headsOf(steps),
    experts: expertsOf(steps),
    inner: innerOf(steps),
    out,
  }
}

/** The picture of a forward: everything in it follows from the steps. */
export function pictureOf(list: readonly StepInfo[]): Picture {
  const anatomy = anatomyOfSteps(list)
  const first = list.findIndex(({ layer }) => layer !== null)
  const last = list.findLastIndex(({ layer }) => layer !== null)
  const masks = list.flatMap((step) => (isInfo(step, 'softmax') ? [step.attrs.mask ?? 'causal'] : []))
  return {
    firstSteps: first < 0 ? list : list.slice(0, first),
    layers: anatomy.layers.map((layer) => layerOf(anatomy, layer)),
    lastSteps: last < 0 ? [] : list.slice(last + 1),
    seesLater: masks.some((mask) => mask !== 'causal'),
  }
}

/** The stream that the first layer reads. */
export const streamStart = ({ firstSteps }: Picture): StepInfo | null => firstSteps.at(-1) ?? null
