import type {
  PrecisionChunk,
  PrecisionOptions,
  PrecisionStep,
  PrecisionToken,
  WeightFormat,
} from '../api/model.ts'
import { TokenscopeError, invariant } from '../errors.ts'
import { elements, isOp, matchesPattern, type Step } from '../program/step.ts'
import { BASE_CONDITIONS } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import { bytesFor } from '../weights/formats/layout.ts'
import { checkProbes, traceParts, type TracedPart } from './trace.ts'

/** What a comparison needs of the model: its forward, and a turn on the device. */
interface Comparing {
  readonly runner: Runner
  read<T>(work: () => Promise<T>): Promise<T>
}

/** Storage of most matrices, and bytes of all. */
export function storageOf({ model, weights }: Runner): { format: WeightFormat; bytes: number } {
  const counts = new Map<WeightFormat, number>()
  let bytes = 0
  for (const { name, role, shape } of model.params) {
    if (role !== 'matrix') continue
    const { matrix, begin, end } = weights.view(name)
    bytes += bytesFor(matrix.format, end - begin, matrix.cols)
    counts.set(matrix.format.name, (counts.get(matrix.format.name) ?? 0) + elements(shape))
  }
  const [[format] = ['f32' as const]] = [...counts].sort(([, a], [, b]) => b - a)
  return { format, bytes }
}

/** Sums of a step's squared differences and of the reference's squares. */
interface Sums {
  readonly step: Step
  difference: number
  square: number
}

function addSquares(sums: Sums, got: Float32Array, want: Float32Array): void {
  let [difference, square] = [0, 0]
  for (let i = 0; i < want.length; i++) {
    const truth = want[i]!
    const off = got[i]! - truth
    difference += off * off
    square += truth * truth
  }
  sums.difference += difference
  sums.square += square
}

const errorOf = ({ difference, square }: Sums): number | null =>
  square > 0 ? difference / square : difference === 0 ? 0 : null

/** log Σ e^logit, and the most probable token. */
function summary(logits: Float32Array): { normaliser: number; id: number; logprob: number } {
  let id = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[id]!) id = i
  const peak = logits[id] ?? NaN
  let mass = 0
  for (let i = 0; i < logits.length; i++) mass += Math.exp(logits[i]! - peak)
  return { normaliser: peak + Math.log(mass), id, logprob: -Math.log(mass) }
}

/** KL(p ‖ q) of two rows of logits, nats, in f64. */
function divergence(p: Float32Array, pNormaliser: number, q: Float32Array, qNormaliser: number): number {
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    const own = p[i]! - pNormaliser
    const weight = Math.exp(own)
    // e^x · x tends to 0, where 0 · −∞ would be NaN.
    if (weight > 0) sum += weight * (own - (q[i]! - qNormaliser))
  }
  return Math.max(0, sum)
}

/** Compares one text part by part; rows of the model and of the other come side by side. */
class Comparison {
  readonly #reference: 'model' | 'other'
  readonly #sums = new Map<string, Sums>()
  readonly #vocab: number

  constructor(reference: 'model' | 'other', vocab: number) {
    this.#reference = reference
    this.#vocab = vocab
  }

  add(model: TracedPart, other: TracedPart, measured: (step: Step) => boolean): PrecisionToken[] {
    for (const step of model.observed) {
      const [mine, theirs] = [model.read.get(step.name), other.read.get(step.name)]
      invariant(mine && theirs?.length === mine.length, `${step.name} is read on both sides`)
      if (!measured(step)) continue
      const sums = this.#sums.get(step.name) ?? { step, difference: 0, square: 0 }
      this.#sums.set(step.name, sums)
      if (this.#reference === 'model') addSquares(sums, theirs, mine)
      else addSquares(sums, mine, theirs)
    }
    const [mine, theirs] = [model.read.get('logits'), other.read.get('logits')]
    return mine && theirs ? this.#tokens(mine, theirs, model.part.begin) : []
  }

  #tokens(mine: Float32Array, theirs: Float32Array, begin: number): PrecisionToken[] {
    const rowOf = (all: Float32Array, row: number): Float32Array =>
      all.subarray(row * this.#vocab, (row + 1) * this.#vocab)
    return Array.from({ length: mine.length / this.#vocab }, (_, row): PrecisionToken => {
      const [a, b] = [rowOf(mine, row), rowOf(theirs, row)]
      const [model, other] = [summary(a), summary(b)]
      const kl =
        this.#reference === 'model'
          ? divergence(a, model.normaliser, b, other.normaliser)
          : divergence(b, other.normaliser, a, model.normaliser)
      if (Number.isNaN(kl)) throw notFinite(begin + row)
      const best = ({ id, logprob }: typeof model) => ({ id, logprob })
      return { position: begin + row, kl, model: best(model), other: best(other) }
    })
  }

  steps(): PrecisionStep[] {
    return [...this.#sums.values()].map((sums) => {
      const { name, op, layer } = sums.step
      return { name, op, layer, error: errorOf(sums) }
    })
  }
}

function notFinite(position: number): TokenscopeError {
  return new TokenscopeError('bad-file', `A model computed NaN or infinity for position ${position}.`, {
    hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
    details: { position },
  })
}

/** The same text under both, part by part; see {@link Model.precision}. */
export async function* lockStep(
  model: Comparing,
  other: { runner: Runner; gpuBytes: number },
  ids: readonly number[],
  { probes, signal }: Pick<PrecisionOptions, 'probes' | 'signal'>,
): AsyncGenerator<PrecisionChunk> {
  const { runner } = model
  const program = runner.model.record({ rows: ids.length, logitRows: ids.length, positions: ids.length })
  if (probes) checkProbes(program, probes)
  const measured = (step: Step): boolean =>
    probes ? probes.some((probe) => matchesPattern(step.name, probe)) : !isOp(step, 'scores')
  const names = program.steps
    .filter((step) => measured(step) || step.name === 'logits')
    .map(({ name }) => name)
  const [own, theirs] = [storageOf(runner), storageOf(other.runner)]
  const reference = own.bytes > theirs.bytes ? 'model' : 'other'
  const comparison = new Comparison(reference, runner.model.vocab)
  const about = {
    reference,
    formats: { model: own.format, other: theirs.format },
    weightBytes: { model: own.bytes, other: theirs.bytes },
    gpuBytes: other.gpuBytes,
    total: ids.length,
  } as const
  const { adapters } = runner
  const sides = [runner, other.runner].map((side) =>
    traceParts(side, ids, names, BASE_CONDITIONS, { signal }),
  )
  const next = async (): Promise<TracedPart[]> => {
    if (runner.adapters !== adapters) throw adaptersChanged()
    const parts = await Promise.all(sides.map((side) => side.next()))
    return parts.flatMap((part) => (part.done === true ? [] : [part.value]))
  }
  try {
    for (;;) {
      const [first, second] = await model.read(() => runner.exclusive(next))
      if (!first || !second) return
      yield { ...about, tokens: comparison.add(first, second, measured), steps: comparison.steps() }
    }
  } finally {
    await Promise.all(sides.map((side) => side.return(undefined)))
  }
}

function adaptersChanged(): TokenscopeError {
  return new TokenscopeError('aborted', 'The adapters were changed while the text was being compared.', {
    hint: 'Compare it again.',
  })
}
