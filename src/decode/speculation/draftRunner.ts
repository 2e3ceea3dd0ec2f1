import { throwIfAborted, TokenscopeError } from '../../errors.ts'
import { describeDevice } from '../../gpu/device.ts'
import type { BufferLedger, LedgerBuffer } from '../../gpu/ledger.ts'
import { PartLedger } from '../../gpu/partLedger.ts'
import { Runner } from '../../run/runner.ts'
import type { ModelDescription } from '../../arch/spec.ts'
import { firstLayers } from '../../program/firstLayers.ts'
import { convertMatrix } from '../../weights/convert.ts'
import { FORMATS, type FormatRecord } from '../../weights/formats/index.ts'
import { bytesFor } from '../../weights/formats/layout.ts'
import { planMatrices, type StoredMatrixType } from '../../weights/plan.ts'
import { viewBytes, WeightStore, type StoredView } from '../../weights/store.ts'
import { WeightReader } from '../../weights/reader.ts'
import type { LoadProgress } from '../../api/model.ts'

/** Some matrices of its own; every other weight is the model's. */
class CopiedWeights extends WeightStore {
  private readonly base: WeightStore

  constructor(device: GPUDevice, ledger: BufferLedger, base: WeightStore) {
    super(device, ledger)
    this.base = base
  }

  override has(name: string): boolean {
    return super.has(name) || this.base.has(name)
  }

  override view(name: string): StoredView {
    return super.has(name) ? super.view(name) : this.base.view(name)
  }

  override vector(name: string): LedgerBuffer {
    return this.base.vector(name)
  }
}

/** What waits for a draft model to be made. */
interface LoadListener {
  onProgress: ((progress: LoadProgress) => void) | undefined
  signal: AbortSignal | undefined
}

const bytesIn = (format: FormatRecord, { matrix, begin, end }: StoredView): number =>
  bytesFor(format, end - begin, matrix.cols)

/** The model's matrices packed as q4_0; those that cannot be, or take no more as they are, stay the model's. */
async function copyQuantised(
  base: Runner,
  ledger: BufferLedger,
  { onProgress, signal }: LoadListener,
): Promise<WeightStore> {
  const store = new CopiedWeights(base.device, ledger, base.weights)
  const reader = new WeightReader(base)
  const target = FORMATS.q4_0
  const stored = (): StoredMatrixType => ({ format: FORMATS.f32 })
  const { plans } = planMatrices(base.model, { asked: 'q4_0', stored, maxBytes: store.maxBytes })
  const wanted = plans.filter(({ format, parts }) => {
    const views = parts.map(({ name }) => base.weights.view(name))
    return format === target && views.some((view) => viewBytes(view) > bytesIn(target, view))
  })
  const sources = wanted.flatMap(({ parts }) => parts.map(({ name }) => base.weights.view(name)))
  const bytesTotal = sources.reduce((sum, view) => sum + viewBytes(view), 0)
  let bytesDone = 0
  for (const plan of wanted) {
    throwIfAborted(signal)
    onProgress?.({ stage: 'weights', bytesDone, bytesTotal })
    store.addMatrix(plan)
    for (const { name, bias } of plan.parts) {
      const source = base.weights.view(name)
      await convertMatrix(source, store.view(name), { pipelines: base.pipelines, ledger })
      const values = bias ? await reader.bias(source) : null
      if (values) store.writeBias(name, values)
      bytesDone += viewBytes(source)
    }
  }
  return store
}

/** The model's first layers, then its own head. */
function shortened(model: ModelDescription, layers: number): ModelDescription {
  return { ...model, layers, record: (size) => firstLayers(model.record(size), layers) }
}

export type DraftRequest =
  /** `weights` names the model's weights: adapters may be folded into them. */
  { kind: 'q4_0'; weights: string } | { kind: 'first-layers'; layers: number }

/** A runner that proposes, and what it was made from. */
interface Kept {
  /** Names the weights it was made of. */
  readonly key: string
  readonly weights: WeightStore
  readonly runner: Runner
  readonly ledger: PartLedger
}

/** Draft models of a model, one of each kind: they stay until another takes the place, or the model's ledger frees everything. */
const kept = new WeakMap<Runner, Map<DraftRequest['kind'], Kept>>()

/** A draft model's cache has room for a multiple of so many positions, as few as its text needs. */
const ROOM = 256

/**
 * The runner of a draft model on the model's device, made on first use, and made again over the same weights for a text too long
 * for it. Throws `out-of-memory`, `aborted`.
 */
export async function draftRunner(
  base: Runner,
  request: DraftRequest,
  positions: number,
  waiting: LoadListener,
): Promise<Runner> {
  const mine = kept.get(base) ?? new Map<DraftRequest['kind'], Kept>()
  kept.set(base, mine)
  const key = request.kind === 'q4_0' ? request.weights : String(request.layers)
  const context = Math.min(base.context, Math.ceil(positions / ROOM) * ROOM)
  const cached = mine.get(request.kind)
  if (cached?.key === key && cached.runner.context >= context) return cached.runner
  mine.delete(request.kind)
  await cached?.runner.dispose()
  const same = cached?.key === key ? cached : null
  if (!same) cached?.ledger.destroyAll()
  const ledger = same?.ledger ?? new PartLedger(base.device, base.ledger, 'draft')
  try {
    const created = await withinMemory(base.device, async () => {
      const weights = same?.weights ?? (await draftWeights(base, ledger, request, waiting))
      const runner = await makeRunner(base, request, { ledger, weights, context }, waiting)
      return { key, weights, runner, ledger }
    })
    mine.set(request.kind, created)
    return created.runner
  } catch (error) {
    ledger.destroyAll()
    throw error
  }
}

function draftWeights(
  base: Runner,
  ledger: BufferLedger,
  { kind }: DraftRequest,
  waiting: LoadListener,
): Promise<WeightStore> {
  return kind === 'q4_0' ? copyQuantised(base, ledger, waiting) : Promise.resolve(base.weights)
}

async function makeRunner(
  base: Runner,
  request: DraftRequest,
  parts: { ledger: BufferLedger; weights: WeightStore; context: number },
  { onProgress }: LoadListener,
): Promise<Runner> {
  onProgress?.({ stage: 'compile', bytesDone: 0, bytesTotal: 0 })
  const runner = new Runner({
    opened: describeDevice(base.device),
    variant: base.pipelines.variant,
    model: request.kind === 'q4_0' ? base.model : shortened(base.model, request.layers),
    draft: true,
    ...parts,
  })
  await Promise.all([runner.prepareSelect(), runner.live(1, 1), runner.live(8, 1)])
  onProgress?.({ stage: 'ready', bytesDone: 0, bytesTotal: 0 })
  return runner
}

async function withinMemory<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  device.pushErrorScope('out-of-memory')
  const [result] = await Promise.allSettled([work()])
  const shortage = await device.popErrorScope()
  if (shortage) {
    throw new TokenscopeError('out-of-memory', 'The GPU has not enough memory for this draft model.', {
      hint: 'Choose prompt lookup, which needs none, or load the model with a shorter context.',
      details: { message: shortage.message },
    })
  }
  if (result.status === 'rejected') throw result.reason
  return result.value
}
