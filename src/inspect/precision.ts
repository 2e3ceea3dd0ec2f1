import type {
  PrecisionChunk,
  PrecisionOptions,
  PrecisionStep,
  PrecisionToken,
  WeightFormat,
} from '../api/model.ts'
import { TokenscopeError, invariant } from '../errors.ts'
import { dim4Of } from '../ops/kvFormats.ts'
import { elements, isOp, matchesPattern, type Program, type Step } from '../program/step.ts'
import { BASE_CONDITIONS } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import { bytesFor } from '../weights/formats/layout.ts'
import { OwnProducts } from './ownProducts.ts'
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

/** Sums of a step's squared differences, of its product's by itself, and of the reference's squares. */
interface Sums {
  readonly step: Step
  difference: number
  /** Null where it is no product. */
  product: number | null
  square: number
}

function squareOf(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return sum
}

function differenceOf(got: Float32Array, expected: Float32Array): number {
  let sum = 0
  for (let i = 0; i < expected.length; i++) sum += (got[i]! - expected[i]!) ** 2
  return sum
}

const ratio = (difference: number, square: number): number | null =>
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
    const pLogprob = p[i]! - pNormaliser
    const weight = Math.exp(pLogprob)
    // e^x · x tends to 0, where 0 · −∞ would be NaN.
    if (weight > 0) sum += weight * (pLogprob - (q[i]! - qNormaliser))
  }
  return Math.max(0, sum)
}

/** Compares one text part by part; rows of the model and of the other come side by side. */
class PrecisionComparison {
  readonly #reference: 'model' | 'other'
  readonly #sums = new Map<string, Sums>()
  readonly #vocab: number

  constructor(reference: 'model' | 'other', vocab: number) {
    this.#reference = reference
    this.#vocab = vocab
  }

  /** `products`: what products of the coarser side make of the reference's inputs. */
  add(
    {
      model,
      other,
      products,
    }: { model: TracedPart; other: TracedPart; products: ReadonlyMap<string, Float32Array> },
    measured: (step: Step) => boolean,
  ): PrecisionToken[] {
    const [truth, coarse] = this.#reference === 'model' ? [model, other] : [other, model]
    for (const step of truth.observed.filter(measured)) {
      const [expected, got] = [truth.read.get(step.name), coarse.read.get(step.name)]
      invariant(expected && got?.length === expected.length, `${step.name} is read on both sides`)
      const sums = this.#sums.get(step.name) ?? { step, difference: 0, product: null, square: 0 }
      this.#sums.set(step.name, sums)
      sums.difference += differenceOf(got, expected)
      sums.square += squareOf(expected)
      const product = products.get(step.name)
      if (product) sums.product = (sums.product ?? 0) + differenceOf(product, expected)
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
    return [...this.#sums.values()].map(({ step, difference, product, square }) => {
      const { name, op, layer } = step
      return {
        name,
        op,
        layer,
        error: ratio(difference, square),
        own: product === null ? null : ratio(product, square),
      }
    })
  }
}

function notFinite(position: number): TokenscopeError {
  return new TokenscopeError('bad-file', `A model computed NaN or infinity for position ${position}.`, {
    hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
    details: { position },
  })
}

/** Which steps are measured, and which are read for it: what goes into a product is put into the other model's too. */
function plannedSteps(
  { steps }: Program,
  probes: readonly string[] | undefined,
): { measured: (step: Step) => boolean; names: readonly string[] } {
  const measured = (step: Step): boolean =>
    probes ? probes.some((probe) => matchesPattern(step.name, probe)) : !isOp(step, 'scores')
  const read = steps.filter((step) => measured(step) || step.name === 'logits')
  const inputs = read.filter((step) => isOp(step, 'linear')).map((step) => step.inputs[0] ?? '')
  return { measured, names: [...new Set([...read.map(({ name }) => name), ...inputs])] }
}

/** Two models over one text: a part of each at a time, and the products of the coarser one on what the finer one computed. */
class LockStep {
  readonly #sides: readonly AsyncGenerator<TracedPart>[]
  readonly #products: OwnProducts
  readonly #reference: 0 | 1
  readonly #adaptersSame: () => boolean

  constructor(
    runners: readonly [model: Runner, other: Runner],
    ids: readonly number[],
    { measured, names }: ReturnType<typeof plannedSteps>,
    { reference, signal }: { reference: 0 | 1; signal: AbortSignal | undefined },
  ) {
    this.#sides = runners.map((side) => traceParts(side, ids, names, BASE_CONDITIONS, { signal }))
    this.#products = new OwnProducts(runners[1 - reference] ?? runners[1], ids, measured)
    this.#reference = reference
    const [{ adapters }] = runners
    this.#adaptersSame = () => runners[0].adapters === adapters
  }

  /** Null behind the last part. The caller holds the turn. */
  async next(): Promise<{
    model: TracedPart
    other: TracedPart
    products: ReadonlyMap<string, Float32Array>
  } | null> {
    if (!this.#adaptersSame()) throw adaptersChanged()
    const [model, other] = await Promise.all(this.#sides.map((side) => side.next()))
    if (!model || !other || model.done === true || other.done === true) return null
    const reference = this.#reference === 0 ? model.value : other.value
    return { model: model.value, other: other.value, products: await this.#products.read(reference) }
  }

  async close(): Promise<void> {
    await Promise.all(this.#sides.map((side) => side.return(undefined)))
    this.#products.dispose()
  }
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
  const planned = plannedSteps(program, probes)
  const [ours, theirs] = [storageOf(runner), storageOf(other.runner)]
  const [kv, otherKv] = [runner.pool.format, other.runner.pool.format]
  const finer = ours.bytes - theirs.bytes || kv.rowBytes(dim4Of(64)) - otherKv.rowBytes(dim4Of(64))
  const reference = finer > 0 ? 'model' : 'other'
  const about = {
    reference,
    formats: { model: ours.format, other: theirs.format },
    kvCache: { model: kv.name, other: otherKv.name },
    weightBytes: { model: ours.bytes, other: theirs.bytes },
    gpuBytes: other.gpuBytes,
    total: ids.length,
  } as const
  const comparison = new PrecisionComparison(reference, runner.model.vocab)
  const both = new LockStep([runner, other.runner], ids, planned, {
    reference: reference === 'model' ? 0 : 1,
    signal,
  })
  try {
    for (;;) {
      const parts = await model.read(() => runner.exclusive(() => both.next()))
      if (!parts) return
      yield { ...about, tokens: comparison.add(parts, planned.measured), steps: comparison.steps() }
    }
  } finally {
    await both.close()
  }
}

function adaptersChanged(): TokenscopeError {
  return new TokenscopeError('aborted', 'The adapters were changed while the text was being compared.', {
    hint: 'Compare it again.',
  })
}
