import { invariant } from '../errors.ts'
import type { Checkpoint, TensorInfo } from '../formats/tensors.ts'
import { decodeFloats } from '../formats/floats.ts'
import { packMatrix, type PackedRows } from './pack.ts'
import type { WeightFormat } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { outputAt, takeOutputs } from '../program/outputs.ts'
import type { ParamRef } from '../program/step.ts'
import { planMatrices } from './plan.ts'
import { rowUnits, type WeightStore } from './store.ts'

/** Bytes gathered before rows are packed and uploaded. */
const BATCH_BYTES = 1 << 20

export interface LoadWeightsOptions {
  format: WeightFormat
  signal?: AbortSignal | undefined
  onBytes?: ((done: number, total: number) => void) | undefined
}

/** A parameter, or the part of it that one of its tensors holds. */
interface Target {
  readonly param: ParamRef
  readonly part: number
}

/** Makes the GPU buffers of a model and streams its checkpoint into them. Returns remarks: exceptions and NaN weights. */
export async function loadWeights(
  checkpoint: Checkpoint,
  model: ModelDescription,
  store: WeightStore,
  { format, signal, onBytes }: LoadWeightsOptions,
): Promise<{ exceptions: string[]; warnings: string[] }> {
  const { plans, exceptions } = planMatrices(model, format)
  for (const plan of plans) store.addMatrix(plan)
  const targets = new Map<string, Target[]>()
  for (const param of model.params) {
    for (const [part, tensor] of [param.tensor, ...(param.more ?? [])].entries()) {
      const list = targets.get(tensor) ?? []
      list.push({ param, part })
      targets.set(tensor, list)
    }
  }
  const vectors = new VectorWriter(store)
  const notFinite = new Set<string>()
  let loading: TensorLoader | null = null
  await checkpoint.read(
    (name) => targets.has(name),
    (tensor, offset, chunk) => {
      if (offset === 0) {
        const wanted = targets.get(tensor.name)
        invariant(wanted, `${tensor.name} was asked for`)
        loading = new TensorLoader(tensor, wanted, store, vectors)
      }
      invariant(loading, 'a tensor starts at offset 0')
      if (loading.add(chunk)) notFinite.add(tensor.name)
    },
    { signal, onBytes },
  )
  vectors.finish()
  const warnings = [...notFinite].map(
    (name) => `${name} holds NaN or infinite weights: text generated with it will stop with an error.`,
  )
  return { exceptions, warnings }
}

/** Norm weights and biases share a buffer, which is written when both are there. */
class VectorWriter {
  private readonly parts = new Map<string, { weight: Float32Array[]; bias: Float32Array[] }>()
  private readonly store: WeightStore
  constructor(store: WeightStore) {
    this.store = store
  }

  /** `part`: which of the tensors that make it up. */
  add(name: string, data: Float32Array, part: number): void {
    const bias = name.endsWith('.bias')
    const owner = bias ? name.slice(0, -'.bias'.length) : name
    const entry = this.parts.get(owner) ?? { weight: [], bias: [] }
    entry[bias ? 'bias' : 'weight'][part] = data
    this.parts.set(owner, entry)
  }

  finish(): void {
    for (const [name, { weight, bias }] of this.parts) {
      invariant(weight.length > 0, `${name} has a weight`)
      this.store.writeVector(name, bias.length > 0 ? [joined(weight), joined(bias)] : [joined(weight)])
    }
  }
}

/** Takes the bytes of one tensor in order and uploads them: row by row where its layout allows, else whole. */
class TensorLoader {
  private readonly bytes: Uint8Array
  private held = 0
  private row = 0
  private readonly streamed: ParamRef | null
  private readonly cols: number
  private readonly rowBytes: number
  private readonly tensor: TensorInfo
  private readonly wanted: readonly Target[]
  private readonly store: WeightStore
  private readonly vectors: VectorWriter

  constructor(tensor: TensorInfo, wanted: readonly Target[], store: WeightStore, vectors: VectorWriter) {
    this.tensor = tensor
    this.wanted = wanted
    this.store = store
    this.vectors = vectors
    const only = wanted[0]?.param
    const whole = tensor.end - tensor.begin
    const streams = wanted.length === 1 && only?.role === 'matrix'
    this.streamed = streams && only.layout === 'out_in' && only.rows === null && !only.more ? only : null
    const rows = tensor.shape[0] ?? 1
    this.cols = whole === 0 ? 0 : (tensor.shape[1] ?? 1)
    this.rowBytes = whole / Math.max(1, rows)
    // An even number of rows keeps quantised scales on whole words.
    const batchRows = Math.max(2, Math.floor(BATCH_BYTES / Math.max(1, this.rowBytes) / 2) * 2)
    this.bytes = new Uint8Array(this.streamed ? Math.min(whole, batchRows * this.rowBytes) : whole)
  }

  /** Returns true when a value is NaN or infinite. */
  add(chunk: Uint8Array): boolean {
    let bad = false
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(chunk.length - at, this.bytes.length - this.held)
      this.bytes.set(chunk.subarray(at, at + take), this.held)
      this.held += take
      at += take
      const end = this.row * this.rowBytes + this.held === this.tensor.end - this.tensor.begin
      if (this.held === this.bytes.length || end) bad = this.flush() || bad
    }
    return bad
  }

  private flush(): boolean {
    const bytes = this.bytes.subarray(0, this.held)
    this.held = 0
    if (!this.streamed) return this.placeWhole(decodeFloats(this.tensor.dtype, bytes))
    const rows = bytes.length / this.rowBytes
    const { format } = this.store.view(this.streamed.name).matrix
    const raw = rawRows(format, this.tensor, this.cols, bytes)
    const data = raw ? null : decodeFloats(this.tensor.dtype, bytes)
    const packed = raw ?? packMatrix(format, rows, this.cols, data ?? new Float32Array())
    this.store.writeRows(this.streamed.name, this.row, rows, packed.quants, packed.scales)
    this.row += rows
    return data ? !allFinite(data) : !rawFinite(format, packed.quants)
  }

  private placeWhole(data: Float32Array): boolean {
    for (const { param, part: index } of this.wanted) {
      const part = slicePart(param, this.tensor, data)
      if (param.role === 'vector') this.vectors.add(param.name, part, index)
      else if (param.role === 'bias') this.store.writeBias(param.name.slice(0, -'.bias'.length), part)
      else {
        const { matrix } = this.store.view(param.name)
        const rows = part.length / matrix.cols
        const packed = packMatrix(matrix.format, rows, matrix.cols, part)
        this.store.writeRows(param.name, index * rows, rows, packed.quants, packed.scales)
      }
    }
    return !allFinite(data)
  }
}

/** Rows that are already as the GPU wants them: no conversion, no padding. */
function rawRows(
  format: WeightFormat,
  tensor: TensorInfo,
  cols: number,
  bytes: Uint8Array,
): PackedRows | null {
  const size =
    format === 'f32' && tensor.dtype === 'F32' ? 4 : format === 'f16' && tensor.dtype === 'F16' ? 2 : 0
  if (size === 0 || rowUnits(format, cols) * 16 !== cols * size) return null
  return { quants: new Uint32Array(bytes.buffer, 0, bytes.length / 4), scales: new Uint32Array(0) }
}

function allFinite(data: Float32Array): boolean {
  return data.every(Number.isFinite)
}

/** Exponent bits all ones mean NaN or infinity. */
function rawFinite(format: WeightFormat, words: Uint32Array): boolean {
  if (format === 'f32') return words.every((word) => (word & 0x7f80_0000) !== 0x7f80_0000)
  return words.every((word) => (word & 0x7c00) !== 0x7c00 && (word & 0x7c00_0000) !== 0x7c00_0000)
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** What one tensor holds of a parameter: its rows of a fused one, turned to [out, in] where stored transposed. */
function slicePart(param: ParamRef, tensor: TensorInfo, data: Float32Array): Float32Array {
  const { shape, rows, layout, runs, more } = param
  const [all = data.length, cols] = shape
  const out = more ? all / (more.length + 1) : all
  if (cols === undefined || layout === 'out_in') {
    // A copy: what is uploaded must not hold on to the bytes of the whole tensor.
    if (rows) return takeOutputs({ rows, ...(runs && { runs }) }, data, cols ?? 1).slice()
    return data.slice(0, out * (cols ?? 1))
  }
  const stride = tensor.shape[1] ?? 0
  const turned = new Float32Array(out * cols)
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < cols; i++) turned[o * cols + i] = data[i * stride + outputAt(param, o)] ?? 0
  }
  return turned
}
