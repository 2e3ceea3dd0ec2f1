import { TokenscopeError } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { Edit } from '../api/model.ts'
import { isEditable } from '../program/changes.ts'
import { isOp, widthOf, type Program, type Step } from '../program/step.ts'

type MaskEdit = Extract<Edit, { kind: 'mask' }>
type FeatureEdit = Exclude<Edit, MaskEdit>

/** An edit with the slot of the rows it acts on, {@link ALL_ROWS} for all. */
interface Placed<E extends Edit> {
  readonly edit: E
  readonly slot: number
}

const ALL_HEADS = 0xffff_ffff
const ALL_ROWS = 0xffff_ffff
const LAST = 0xffff_ffff
const KINDS = { scale: 0, add: 1, patch: 2 } as const

function bad(edit: Edit, message: string, details: Record<string, unknown> = {}): TokenscopeError {
  return new TokenscopeError('bad-argument', `The edit at ${edit.step} ${message}.`, {
    hint: 'Names of steps are listed by model.steps().',
    details: { step: edit.step, kind: edit.kind, ...details },
  })
}

/** The step of an edit. Throws `bad-argument` where the model has none that can be edited so. */
function stepOf(edit: Edit, program: Program): Step {
  const step = program.steps.find(({ name }) => name === edit.step)
  if (edit.kind === 'mask') {
    if (isOp(step, 'scores')) return step
    throw bad(edit, 'cannot mask: only attention scores can be')
  }
  if (step && isEditable(step)) return step
  throw bad(edit, 'is at no step of this model that can be edited')
}

/** Columns an edit touches: one head's, or all. */
function columns(edit: Extract<Edit, { kind: 'scale' }>, step: Step): [number, number] {
  const width = widthOf(step)
  if (edit.head === undefined) return [0, width]
  const heads = step.axes.at(-1)?.heads ?? 0
  if (!Number.isInteger(edit.head) || edit.head < 0 || edit.head >= heads) {
    throw bad(edit, `has no head ${edit.head}`, { got: edit.head, heads })
  }
  const size = width / heads
  return [edit.head * size, (edit.head + 1) * size]
}

/** Words that ops/edit.wgsl reads. */
function packFeatureEdits(edits: readonly Placed<FeatureEdit>[], step: Step): Uint32Array<ArrayBuffer> {
  const values = edits.map(({ edit }) =>
    edit.kind === 'scale' ? [] : Array.from(edit.kind === 'add' ? edit.vector : edit.values),
  )
  const start = 8 + edits.length * 8
  const words = new Uint32Array(start + values.reduce((sum, list) => sum + list.length, 0))
  const floats = new Float32Array(words.buffer)
  words[0] = edits.length
  let at = start
  edits.forEach(({ edit, slot }, i) => {
    const width = widthOf(step)
    const list = values[i] ?? []
    if (edit.kind !== 'scale' && list.length !== width) {
      throw bad(edit, `has ${list.length} values; the step is ${width} wide`, {
        got: list.length,
        expected: width,
      })
    }
    const factor = edit.kind === 'scale' ? edit.factor : edit.kind === 'add' ? (edit.factor ?? 1) : 1
    if (!Number.isFinite(factor) || !list.every(Number.isFinite))
      throw bad(edit, 'holds a number that is not finite')
    const [from, to] =
      edit.kind === 'patch' ? [edit.position, edit.position + 1] : [edit.from ?? 0, edit.to ?? LAST]
    const [first, end] = edit.kind === 'scale' ? columns(edit, step) : [0, width]
    words.set([from, to, first, end, KINDS[edit.kind], 0, at, slot], 8 + i * 8)
    floats[8 + i * 8 + 5] = factor
    floats.set(list, at)
    at += list.length
  })
  return words
}

/** Words that ops/edit_scores.wgsl reads. */
function packMasks(edits: readonly Placed<MaskEdit>[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 + edits.length * 4)
  words[0] = edits.length
  edits.forEach(({ edit: { head, query, key }, slot }, i) =>
    words.set([head ?? ALL_HEADS, query, key, slot], 4 + i * 4),
  )
  return words
}

/** True unless an edit leaves every value as it is. */
function acts(edit: Edit): boolean {
  return !((edit.kind === 'scale' && edit.factor === 1) || (edit.kind === 'add' && edit.factor === 0))
}

/** Earliest position an edit reaches: pages before it are the base's. */
function firstEditedPosition(edits: readonly Edit[]): number {
  return Math.min(
    ...edits.map((edit) =>
      edit.kind === 'mask' ? edit.query : edit.kind === 'patch' ? edit.position : (edit.from ?? 0),
    ),
  )
}

/** Edits on the GPU: one table per edited step. They act on the rows whose strength is not 0. */
export class EditSet {
  /** Names the edits for pages and results. */
  readonly key: string
  readonly firstPosition: number
  private readonly tables = new Map<string, LedgerBuffer>()
  private readonly ledger: BufferLedger

  /**
   * `slots`: by edit, the slot of the rows it is for; omitted, edits are for all rows.
   * @throws `bad-argument` naming the step and what is wrong with the edit.
   */
  constructor(
    device: GPUDevice,
    ledger: BufferLedger,
    program: Program,
    edits: readonly Edit[],
    slots?: readonly number[],
  ) {
    this.ledger = ledger
    this.key = JSON.stringify(edits, (_, value: unknown) =>
      value instanceof Float32Array ? Array.from(value) : value,
    )
    const acting = edits.filter(acts)
    this.firstPosition = firstEditedPosition(acting)
    const steps = new Map(edits.map((edit) => [edit.step, stepOf(edit, program)]))
    const placed = edits.map((edit, i) => ({ edit, slot: slots?.[i] ?? ALL_ROWS }))
    const packed = [...steps].map(([name, step]): [string, Uint32Array<ArrayBuffer>] => {
      const here = placed.filter(({ edit }) => edit.step === name)
      const masks = here.filter((one): one is Placed<MaskEdit> => one.edit.kind === 'mask')
      const features = here.filter((one): one is Placed<FeatureEdit> => one.edit.kind !== 'mask')
      return [name, masks.length > 0 ? packMasks(masks) : packFeatureEdits(features, step)]
    })
    for (const [step, words] of packed) {
      // What changes nothing takes no step: the same kernels run as without it.
      if (!acting.some((edit) => edit.step === step)) continue
      const buffer = ledger.create(
        `edits:${step}`,
        words.byteLength,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      )
      device.queue.writeBuffer(buffer.gpu, 0, words)
      this.tables.set(step, buffer)
    }
  }

  has(step: string): boolean {
    return this.tables.has(step)
  }

  table(step: string): GPUBuffer | undefined {
    return this.tables.get(step)?.gpu
  }

  dispose(): void {
    for (const buffer of this.tables.values()) this.ledger.destroy(buffer)
    this.tables.clear()
  }
}
