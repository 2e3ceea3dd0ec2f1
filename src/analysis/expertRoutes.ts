import type { Model, StepInfo } from '../api/model.ts'
import { invariant } from '../errors.ts'
import { isInfo, readAnatomy } from './anatomy.ts'

/** Where one layer's router sent the tokens of a text. */
export interface ExpertLayer {
  layer: number
  experts: number
  /** Experts that a token takes. */
  chosen: number
  /** Steps of the router's scores, of the numbers and of the weights of the chosen. */
  steps: { scores: string; ids: string; weights: string }
  /** [rows, chosen], best first. */
  ids: Float32Array
  weights: Float32Array
  /** Of the softmax over all scores, in bits, for each token. */
  entropy: Float32Array
}

/** The layers with experts, in order; none in a model without. */
export interface ExpertMap {
  layers: readonly ExpertLayer[]
  positions: number
}

/** What a load counts: choices, or the weight they carry. */
export type LoadUnit = 'choices' | 'weight'

/** Values read by one forward. */
const BATCH_ELEMENTS = 1 << 22

/** Entropy of softmax(scores), in bits. */
export function entropyOf(scores: Float32Array): number {
  const max = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
  let [total, weighed] = [0, 0]
  for (const score of scores) {
    const power = Math.exp(score - max)
    total += power
    weighed += power * (score - max)
  }
  return (Math.log(total) - weighed / total) / Math.LN2
}

/** What every expert of a layer carries of all tokens: its share of the choices, or of the weights. */
export function loadOf({ experts, ids, weights }: ExpertLayer, by: LoadUnit): Float32Array {
  const load = new Float32Array(experts)
  let total = 0
  ids.forEach((expert, i) => {
    const part = by === 'choices' ? 1 : (weights[i] ?? 0)
    load[expert] = (load[expert] ?? 0) + part
    total += part
  })
  return total > 0 ? load.map((part) => part / total) : load
}

/** Weight of every expert for every token, 0 where it was not taken: [experts, positions]. */
export function weightsByExpert({ experts, chosen, ids, weights }: ExpertLayer): Float32Array {
  const positions = ids.length / chosen
  const plane = new Float32Array(experts * positions)
  ids.forEach((expert, i) => {
    plane[expert * positions + Math.floor(i / chosen)] = weights[i] ?? 0
  })
  return plane
}

type Routing = Pick<ExpertLayer, 'layer' | 'experts' | 'chosen' | 'steps'>

/** The routers of a forward, by what their steps do. */
export function routingsOf(steps: readonly StepInfo[]): Routing[] {
  return steps.flatMap((step): Routing[] => {
    if (!isInfo(step, 'router_weights') || step.layer === null) return []
    const [scores = '', ids = ''] = step.inputs
    const { experts, chosen } = step.attrs
    return [{ layer: step.layer, experts, chosen, steps: { scores, ids, weights: step.name } }]
  })
}

/** Yields once, when all layers are read. */
export async function* readExperts(model: Model, ids: readonly number[]): AsyncIterable<ExpertMap> {
  const routings = routingsOf((await readAnatomy(model)).list)
  const positions = ids.length
  const perLayer = positions * Math.max(1, ...routings.map(({ experts, chosen }) => experts + 2 * chosen))
  const batch = Math.max(1, Math.floor(BATCH_ELEMENTS / perLayer))
  const layers: ExpertLayer[] = []
  for (let from = 0; from < routings.length; from += batch) {
    const some = routings.slice(from, from + batch)
    const traced = await model.trace(ids, { probes: some.flatMap(({ steps }) => Object.values(steps)) })
    const read = (step: string): Float32Array => {
      const tensor = traced.get(step)
      invariant(tensor, `${step} was traced`)
      return tensor.data
    }
    for (const routing of some) {
      const scores = read(routing.steps.scores)
      const { experts } = routing
      const entropy = Float32Array.from({ length: positions }, (_, row) =>
        entropyOf(scores.subarray(row * experts, (row + 1) * experts)),
      )
      layers.push({ ...routing, ids: read(routing.steps.ids), weights: read(routing.steps.weights), entropy })
    }
  }
  yield { layers, positions }
}
