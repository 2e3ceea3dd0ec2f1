import { TokenscopeError } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { Edit } from '../api/model.ts'
import type { DecoderSpec } from '../arch/spec.ts'

type MaskEdit = Extract<Edit, { kind: 'mask' }>
type FeatureEdit = Exclude<Edit, MaskEdit>

const ALL_HEADS = 0xffff_ffff
const LAST = 0xffff_ffff
/** Steps whose shape is [rows, n] and whose rows are all of the forward's. */
const EDITABLE =
  /^embed$|^layers\.\d+\.(input_norm|post_norm|attn\.(q|k|v|q_rope|k_rope|mix|out)|resid_mid|mlp\.(gate|up|act|down)|resid)$/
const SCORES = /^layers\.\d+\.attn\.scores$/
const KINDS = { scale: 0, add: 1, patch: 2 } as const

function bad(edit: Edit, message: string, details: Record<string, unknown> = {}): TokenscopeError {
  return new TokenscopeError('bad-argument', `The edit at ${edit.step} ${message}.`, {
    hint: 'Names of steps are listed by model.steps().',
    details: { step: edit.step, kind: edit.kind, ...details },
  })
}

/** Width of an editable step's rows. */
function widthOf(step: string, spec: DecoderSpec): number {
  if (/attn\.(q|q_rope|mix)$/.test(step)) return spec.heads * spec.headDim
  if (/attn\.(k|k_rope|v)$/.test(step)) return spec.kvHeads * spec.headDim
  return /mlp\.(gate|up|act)$/.test(step) ? spec.intermediate : spec.hidden
}

function checkStep(edit: Edit, spec: DecoderSpec): void {
  const wanted = edit.kind === 'mask' ? SCORES : EDITABLE
  const layer = Number(/^layers\.(\d+)\./.exec(edit.step)?.[1] ?? 0)
  const absent =
    (!spec.gated && edit.step.endsWith('mlp.gate')) ||
    (spec.positions.kind === 'learned' && edit.step.endsWith('_rope'))
  if (wanted.test(edit.step) && layer < spec.layers && !absent) return
  throw bad(
    edit,
    edit.kind === 'mask'
      ? 'cannot mask: only attn.scores can'
      : 'is at no step of this model that can be edited',
  )
}

/** Columns an edit touches: one head's, or all. */
function columns(
  edit: Extract<Edit, { kind: 'scale' }>,
  width: number,
  { headDim }: DecoderSpec,
): [number, number] {
  if (edit.head === undefined) return [0, width]
  const isHeads = /attn\.(q|k|v|q_rope|k_rope|mix)$/.test(edit.step)
  if (!isHeads || !Number.isInteger(edit.head) || edit.head < 0 || (edit.head + 1) * headDim > width) {
    throw bad(edit, `has no head ${edit.head}`, { got: edit.head, heads: isHeads ? width / headDim : 0 })
  }
  return [edit.head * headDim, (edit.head + 1) * headDim]
}

/** Words that ops/edit.wgsl reads. */
function packFeatureEdits(edits: readonly FeatureEdit[], spec: DecoderSpec): Uint32Array<ArrayBuffer> {
  const values = edits.map((edit) =>
    edit.kind === 'scale' ? [] : Array.from(edit.kind === 'add' ? edit.vector : edit.values),
  )
  const start = 8 + edits.length * 8
  const words = new Uint32Array(start + values.reduce((sum, list) => sum + list.length, 0))
  const floats = new Float32Array(words.buffer)
  words[0] = edits.length
  let at = start
  edits.forEach((edit, i) => {
    const width = widthOf(edit.step, spec)
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
    const [first, end] = edit.kind === 'scale' ? columns(edit, width, spec) : [0, width]
    words.set([from, to, first, end, KINDS[edit.kind], 0, at], 8 + i * 8)
    floats[8 + i * 8 + 5] = factor
    floats.set(list, at)
    at += list.length
  })
  return words
}

/** Words that ops/edit_scores.wgsl reads. */
function packMasks(edits: readonly MaskEdit[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 + edits.length * 4)
  words[0] = edits.length
  edits.forEach(({ head, query, key }, i) => words.set([head ?? ALL_HEADS, query, key], 4 + i * 4))
  return words
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

  /** @throws `bad-argument` naming the step and what is wrong with the edit. */
  constructor(device: GPUDevice, ledger: BufferLedger, spec: DecoderSpec, edits: readonly Edit[]) {
    this.ledger = ledger
    this.key = JSON.stringify(edits, (_, value: unknown) =>
      value instanceof Float32Array ? Array.from(value) : value,
    )
    this.firstPosition = firstEditedPosition(edits)
    for (const edit of edits) checkStep(edit, spec)
    const steps = new Set(edits.map(({ step }) => step))
    const packed = [...steps].map((step): [string, Uint32Array<ArrayBuffer>] => {
      const here = edits.filter((edit) => edit.step === step)
      const masks = here.filter((edit): edit is MaskEdit => edit.kind === 'mask')
      const features = here.filter((edit): edit is FeatureEdit => edit.kind !== 'mask')
      return [step, masks.length > 0 ? packMasks(masks) : packFeatureEdits(features, spec)]
    })
    for (const [step, words] of packed) {
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
