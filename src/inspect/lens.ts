import { TokenscopeError, invariant } from '../errors.ts'
import type { Lens, LensCell, LensOptions } from '../api/model.ts'
import { isCausal } from '../program/mask.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from './forward.ts'
import { keptTensor, residualName, unembed } from './unembed.ts'
import type { SuffixTensors } from './suffix.ts'

const MAX_TOP = 256
const DEFAULT_TOP = 5

interface ReadCell {
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

/** Logit lens (nostalgebraist 2020): softmax(head(final_norm(residual))) for layers × positions. */
export async function readLens(input: ForwardInput, options: LensOptions): Promise<Lens> {
  const { runner, ids } = input
  const { layers: depth, vocab } = runner.model
  const layers = options.layers ?? Array.from({ length: depth + 1 }, (_, i) => i - 1)
  const positions = options.positions ?? ids.map((_, i) => i)
  const causal = isCausal(input.conditions.mask ?? runner.model.mask)
  const topK = options.topK ?? DEFAULT_TOP
  checkNumbers('layers', layers, -1, depth)
  checkNumbers('positions', positions, 0, ids.length)
  checkNumbers('topK', [topK], 1, MAX_TOP + 1)
  if (options.token !== undefined) checkNumbers('token', [options.token], 0, vocab)
  const places = layers.flatMap((layer) =>
    positions.map((position): ReadCell => ({
      layer,
      position,
      token: options.token ?? ids[causal ? position + 1 : position] ?? null,
    })),
  )
  if (places.length === 0) return { layers, positions, cells: [], rows: 0 }
  // Where rows only look back, tokens after the last wanted one change nothing.
  const used = causal
    ? { ...input, ids: ids.slice(0, Math.max(...positions) + 1), length: ids.length }
    : input
  const cached = options.cached === true ? Math.min(...positions) : 0
  const read = await runner.exclusive(() => readCells(used, places, topK, cached))
  return { layers, positions, ...read }
}

/** Residual streams of the layers, and the position of their first row: after `cached` positions where those need not run again. */
async function runResiduals(
  input: ForwardInput,
  names: ReadonlySet<string>,
  cached: number,
): Promise<SuffixTensors> {
  if (cached > 0) {
    const { runSuffix } = await import('./suffix.ts')
    const suffix = await runSuffix(input, names, cached)
    if (suffix) return suffix
  }
  const steps = fineProgram(input).steps.filter(({ name }) => names.has(name))
  const tensors = await createTensors(input.runner, steps)
  try {
    const { run } = await runKept(input, tensors, false)
    run.dispose()
    return { begin: 0, tensors }
  } catch (error) {
    tensors.forEach((buffer) => input.runner.ledger.destroy(buffer))
    throw error
  }
}

async function readCells(
  input: ForwardInput,
  places: readonly ReadCell[],
  topK: number,
  cached: number,
): Promise<Pick<Lens, 'cells' | 'rows'>> {
  const streams = new Map(places.map(({ layer }) => [layer, residualName(input, layer)]))
  const names = new Set(streams.values())
  const { runner } = input
  const { cellReader } = await import('./rank.ts')
  const { begin, tensors } = await runResiduals(input, names, cached)
  try {
    const rows = places.map(({ layer, position, token }) => ({
      buffer: keptTensor(tensors, streams.get(layer) ?? ''),
      row: position - begin,
      token,
    }))
    const cells: LensCell[] = []
    for await (const ranked of unembed(input, rows, cellReader(runner, topK))) {
      for (const { rank, probability, ...cell } of ranked) {
        const place = places[cells.length]
        invariant(place, 'every row of logits has its place')
        const followed = place.token === null ? { rank: null, probability: null } : { rank, probability }
        cells.push({ ...place, ...cell, ...followed })
      }
    }
    invariant(cells.length === places.length, 'every place has its row of logits')
    return { cells, rows: input.ids.length - begin }
  } finally {
    tensors.forEach((buffer) => runner.ledger.destroy(buffer))
  }
}
