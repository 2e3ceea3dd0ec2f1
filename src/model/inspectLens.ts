import { TokenscopeError, invariant } from '../errors.ts'
import type { Lens, LensCell, LensOptions } from '../types.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from './inspectForward.ts'
import { headLogits, keptTensor, residualName } from './inspectHead.ts'
import type { Tail } from './inspectTail.ts'

const MAX_TOP = 256
const DEFAULT_TOP = 5

interface Place {
  layer: number
  position: number
  token: number | null
}

/** Throws `bad-argument` unless every number is whole and in [low, high). */
function checkNumbers(field: string, values: readonly number[], low: number, high: number): void {
  for (const value of values) {
    if (Number.isInteger(value) && value >= low && value < high) continue
    throw new TokenscopeError('bad-argument', `${field} is ${value}; it goes from ${low} to ${high - 1}.`, {
      hint: 'Give whole numbers within this model and these tokens.',
      details: { field, got: value, expected: `${low} to ${high - 1}` },
    })
  }
}

/** Ids of the `k` largest values, descending, ties by lower id. */
function largest(values: Float32Array, k: number): number[] {
  const best: number[] = []
  const value = (id: number | undefined): number => (id === undefined ? -Infinity : (values[id] ?? -Infinity))
  for (let id = 0; id < values.length; id++) {
    if (best.length === k && !(value(id) > value(best.at(-1)))) continue
    let at = best.length
    while (at > 0 && value(id) > value(best[at - 1])) at -= 1
    best.splice(at, 0, id)
    if (best.length > k) best.pop()
  }
  return best
}

/** What a row of logits says, in f64: softmax, its entropy, the most probable ids and the followed token. */
export function readCell(logits: Float32Array, { layer, position, token }: Place, topK: number): LensCell {
  let peak = -Infinity
  for (const logit of logits) if (logit > peak) peak = logit
  let mass = 0
  let moment = 0
  for (const logit of logits) {
    const weight = Math.exp(logit - peak)
    mass += weight
    moment += weight * (logit - peak)
  }
  const probability = (id: number): number => Math.exp((logits[id] ?? -Infinity) - peak) / mass
  const followed = token === null ? -Infinity : (logits[token] ?? -Infinity)
  let rank = 0
  if (token !== null) {
    logits.forEach((logit, id) => {
      if (logit > followed || (logit === followed && id < token)) rank += 1
    })
  }
  return {
    layer,
    position,
    top: largest(logits, Math.min(topK, logits.length)).map((id) => ({ id, probability: probability(id) })),
    entropy: Math.log(mass) - moment / mass,
    token,
    rank: token === null ? null : rank,
    probability: token === null ? null : probability(token),
  }
}

/** Logit lens (nostalgebraist 2020): softmax(head(final_norm(residual))) for layers × positions. */
export async function readLens(input: ForwardInput, options: LensOptions): Promise<Lens> {
  const { runner, ids } = input
  const { layers: depth, vocab } = runner.spec
  const layers = options.layers ?? Array.from({ length: depth + 1 }, (_, i) => i - 1)
  const positions = options.positions ?? ids.map((_, i) => i)
  const topK = options.topK ?? DEFAULT_TOP
  checkNumbers('layers', layers, -1, depth)
  checkNumbers('positions', positions, 0, ids.length)
  checkNumbers('topK', [topK], 1, MAX_TOP + 1)
  if (options.token !== undefined) checkNumbers('token', [options.token], 0, vocab)
  const places = layers.flatMap((layer) =>
    positions.map((position): Place => ({
      layer,
      position,
      token: options.token ?? ids[position + 1] ?? null,
    })),
  )
  if (places.length === 0) return { layers, positions, cells: [] }
  // Rows only look back, so tokens after the last wanted one change nothing.
  const used = { ...input, ids: ids.slice(0, Math.max(...positions) + 1) }
  const cached = options.cached === true ? Math.min(...positions) : 0
  const cells = await runner.exclusive(() => readCells(used, places, topK, cached))
  return { layers, positions, cells }
}

/** Residual streams of the layers, and the position of their first row: after `cached` positions where those need not run again. */
async function runResiduals(input: ForwardInput, names: ReadonlySet<string>, cached: number): Promise<Tail> {
  if (cached > 0) {
    const { runTail } = await import('./inspectTail.ts')
    const tail = await runTail(input, names, cached)
    if (tail) return tail
  }
  const steps = fineProgram(input).steps.filter(({ name }) => names.has(name))
  const tensors = await createTensors(input.runner, steps)
  try {
    const { bench } = await runKept(input, tensors, false)
    bench.dispose()
    return { begin: 0, tensors }
  } catch (error) {
    tensors.forEach((buffer) => input.runner.ledger.destroy(buffer))
    throw error
  }
}

async function readCells(
  input: ForwardInput,
  places: readonly Place[],
  topK: number,
  cached: number,
): Promise<LensCell[]> {
  const names = new Set(places.map(({ layer }) => residualName(layer)))
  const { begin, tensors } = await runResiduals(input, names, cached)
  try {
    const rows = places.map(({ layer, position }) => ({
      buffer: keptTensor(tensors, residualName(layer)),
      row: position - begin,
    }))
    const cells: LensCell[] = []
    for await (const logits of headLogits(input, rows)) {
      const place = places[cells.length]
      invariant(place, 'every row of logits has its place')
      cells.push(readCell(logits, place, topK))
    }
    return cells
  } finally {
    tensors.forEach((buffer) => input.runner.ledger.destroy(buffer))
  }
}
