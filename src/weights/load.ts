import type { LoadFormat } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { invariant } from '../errors.ts'
import {
  isBlockType,
  isGroupedType,
  type BlockType,
  type Checkpoint,
  type GroupedType,
  type TensorInfo,
} from '../formats/tensors.ts'
import { badFile } from '../formats/badFile.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { findNonFinite } from './finite.ts'
import { FORMATS, loadFormat, type FormatRecord } from './formats/index.ts'
import { planMatrices, type StoredMatrixType } from './plan.ts'
import { WeightRelay, type SourceType } from './relay.ts'
import { WeightStage, type StagedTensor, type StagePart } from './stage.ts'
import type { ScaleWriter } from './scales.ts'
import { shardRows, type WeightStore } from './store.ts'
import { runsOf, VectorWriter, type VectorTarget } from './vectors.ts'

/** Least bytes of a stage. */
const LEAST_STAGE = 1 << 16

export interface LoadWeightsOptions {
  /** 'auto': every matrix as the checkpoint has it. */
  format: LoadFormat | 'auto'
  /** Kernels that place and convert weights are compiled here. */
  pipelines: PipelineCache
  ledger: BufferLedger
  signal?: AbortSignal | undefined
  onBytes?: ((done: number, total: number) => void) | undefined
}

/** The format that keeps floats exactly. F64 is rounded: there is none for it. */
const FLOAT_FORMATS = { F32: FORMATS.f32, F16: FORMATS.f16, BF16: FORMATS.bf16, F64: FORMATS.f32 } as const

function isFloat(dtype: TensorInfo['dtype']): dtype is SourceType {
  return Object.hasOwn(FLOAT_FORMATS, dtype)
}

/** The format of matrices of a type, which has been read. */
export type FormatOf = (dtype: TensorInfo['dtype']) => FormatRecord

/** The formats of a checkpoint's matrices. */
export async function formatsOf({ tensors }: Pick<Checkpoint, 'tensors'>): Promise<FormatOf> {
  const formats = new Map<TensorInfo['dtype'], FormatRecord>(
    Object.entries(FLOAT_FORMATS) as [SourceType, FormatRecord][],
  )
  for (const { dtype } of tensors.values()) {
    if (formats.has(dtype) || !(isBlockType(dtype) || isGroupedType(dtype))) continue
    formats.set(dtype, await loadFormat(dtype.toLowerCase() as Lowercase<BlockType | GroupedType>))
  }
  return (dtype) => {
    const format = formats.get(dtype)
    invariant(format, `weights are floats or blocks, got ${dtype}`)
    return format
  }
}

/** How a matrix of a checkpoint is kept as it is. */
export function storedType({ dtype, quirk, groups }: TensorInfo, formatOf: FormatOf): StoredMatrixType {
  const format = formatOf(dtype)
  return {
    format,
    group: groups?.columns,
    headRows: quirk?.kind === 'interleaved' ? quirk.headRows : undefined,
  }
}

/** Every tensor that a model reads, with what it becomes. */
function targetsOf(model: ModelDescription): Map<string, VectorTarget[]> {
  const targets = new Map<string, VectorTarget[]>()
  for (const param of model.params) {
    for (const [part, tensor] of [param.tensor, ...(param.more ?? [])].entries()) {
      targets.set(tensor, [...(targets.get(tensor) ?? []), { param, part }])
    }
  }
  return targets
}

/**
 * Makes the GPU buffers of a model and streams its checkpoint into them: matrices go to the GPU as the file's bytes, and are put in
 * place there, by the end of what is submitted. Returns remarks: matrices kept otherwise than asked for, and, once the GPU has looked
 * at all weights, tensors with NaN. What follows need not wait for those.
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  model: ModelDescription,
  store: WeightStore,
  options: LoadWeightsOptions,
): Promise<{ exceptions: string[]; warnings: Promise<string[]> }> {
  const { format, pipelines, ledger, signal, onBytes } = options
  const formatOf = await formatsOf(checkpoint)
  const stored = (name: string): StoredMatrixType => {
    const tensor = checkpoint.tensors.get(name)
    invariant(tensor, `${name} was found`)
    return storedType(tensor, formatOf)
  }
  const { plans, exceptions } = planMatrices(model, { asked: format, stored, maxBytes: store.maxBytes })
  for (const plan of plans) store.addMatrix(plan)
  const targets = targetsOf(model)
  const relay = new WeightRelay(pipelines)
  const stage = new WeightStage(
    pipelines.device,
    ledger,
    relay,
    Math.max(LEAST_STAGE, Math.ceil(checkpoint.totalBytes / 16) * 16),
  )
  const loader = new TensorLoader(store, stage, targets)
  try {
    await loader.prepare(checkpoint, pipelines.device)
    await checkpoint.read(
      (name) => targets.has(name),
      (tensor, offset, chunk) => loader.add(tensor, offset, chunk),
      { signal, onBytes },
    )
    loader.finish()
  } finally {
    stage.dispose()
  }
  const matrices = model.params.filter(({ role }) => role === 'matrix')
  const warnings = findNonFinite(matrices, { store, pipelines, ledger }).then((names) =>
    [...new Set([...loader.notFinite, ...names])].map(
      (name) => `${name} holds NaN or infinite weights: text generated with it will stop with an error.`,
    ),
  )
  warnings.catch(ignore)
  return { exceptions, warnings }
}

/** What fails without being waited for fails again with the next thing that is asked of the device. */
const ignore = (): undefined => undefined

/** Whether rows lie along the last dimension of a tensor. */
function isTurned({ quirk }: TensorInfo, targets: readonly VectorTarget[]): boolean {
  return targets[0]?.param.layout === 'in_out' && quirk?.kind !== 'turned'
}

/** Parts that follow each other in tensor and planes as one: rows of a head that a file interleaves may belong to several parameters. */
function joined(parts: StagePart[]): StagePart[] {
  const result: StagePart[] = []
  for (const part of parts.sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    const follows =
      last?.target.buffer === part.target.buffer &&
      last.from + last.rows === part.from &&
      last.row + last.rows === part.row
    if (last && follows) result[result.length - 1] = { ...last, rows: last.rows + part.rows }
    else result.push(part)
  }
  return result
}

/** Takes the bytes of tensors in order: those of matrices go to the stage, others are small and gathered. */
class TensorLoader {
  readonly #store: WeightStore
  readonly #stage: WeightStage
  readonly #targets: ReadonlyMap<string, readonly VectorTarget[]>
  readonly #vectors: VectorWriter
  /** Bytes so far of a tensor that is no matrix. */
  #gathered: Uint8Array | null = null
  /** Of a checkpoint whose matrices have scales beside them. */
  #scales: ScaleWriter | null = null
  /** Tensors of vectors that hold NaN or infinity. */
  readonly notFinite = new Set<string>()

  constructor(store: WeightStore, stage: WeightStage, targets: ReadonlyMap<string, readonly VectorTarget[]>) {
    this.#store = store
    this.#stage = stage
    this.#targets = targets
    this.#vectors = new VectorWriter(store)
  }

  async prepare(checkpoint: Checkpoint, device: GPUDevice): Promise<void> {
    if (![...checkpoint.tensors.values()].some(({ groups }) => groups)) return
    const { ScaleWriter } = await import('./scales.ts')
    this.#scales = new ScaleWriter(device, checkpoint, ({ name }) =>
      this.#matrixTargets(name).flatMap((target) => this.#parts(target, undefined)),
    )
  }

  #matrixTargets(name: string): readonly VectorTarget[] {
    return (this.#targets.get(name) ?? []).filter(({ param }) => param.role === 'matrix')
  }

  async add(tensor: TensorInfo, offset: number, chunk: Uint8Array): Promise<void> {
    const targets = this.#targets.get(tensor.name) ?? []
    const bytes = tensor.end - tensor.begin
    if (this.#matrixTargets(tensor.name).length > 0)
      return this.#stageBytes(tensor, targets, offset, chunk as Uint8Array<ArrayBuffer>)
    if (offset === 0) this.#gathered = new Uint8Array(bytes)
    this.#gathered?.set(chunk, offset)
    if (offset + chunk.length < bytes || !this.#gathered) return
    if (this.#scales?.add(tensor.name, this.#gathered)) return
    if (!(await this.#vectors.add(tensor, this.#gathered, targets))) this.notFinite.add(tensor.name)
  }

  /** Bytes of a tensor of matrices; one that holds a turned matrix of each expert is taken as so many tensors. */
  async #stageBytes(
    tensor: TensorInfo,
    targets: readonly VectorTarget[],
    offset: number,
    chunk: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const slices = isTurned(tensor, targets) && tensor.shape.length === 3 ? (tensor.shape[0] ?? 1) : 1
    const each = (tensor.end - tensor.begin) / slices
    for (let at = 0; at < chunk.length;) {
      const slice = Math.floor((offset + at) / each)
      const within = offset + at - slice * each
      if (within === 0) this.#stage.begin(this.#staged(tensor, targets, { slice, slices }))
      const taken = Math.min(chunk.length - at, each - within)
      await this.#stage.add(chunk.subarray(at, at + taken))
      at += taken
      if (within + taken === each) await this.#stage.end()
    }
  }

  finish(): void {
    this.#vectors.finish()
    this.#stage.flush()
  }

  #staged(
    tensor: TensorInfo,
    targets: readonly VectorTarget[],
    { slice, slices }: { slice: number; slices: number },
  ): StagedTensor {
    const { name, dtype, shape, begin, end, quirk, groups } = tensor
    const headRows = quirk?.kind === 'interleaved' ? quirk.headRows : undefined
    const turned = isTurned(tensor, targets)
    if (turned && !isFloat(dtype))
      throw badFile(tensor.file, name, `${dtype}, [in, out]`, 'floats or [out, in]')
    const packing = groups && groups.packing !== 'rows' ? groups.packing : 'blocks'
    const columns = shape.at(-1) ?? 0
    const all = targets.flatMap((target) => this.#parts(target, headRows))
    const parts = headRows === undefined ? all : joined(all)
    return {
      bytes: (end - begin) / slices,
      source: isFloat(dtype) ? dtype : packing,
      outs: quirk?.kind === 'turned' ? shape[1] : shape[0],
      ...(turned ? { turned: columns } : {}),
      parts:
        slices === 1
          ? parts
          : parts
              .map((part) => ({ ...part, from: part.from - slice * columns }))
              .filter(({ from }) => from >= 0 && from < columns),
    }
  }

  /** Where the rows of a tensor go that a parameter takes of it. */
  #parts({ param, part }: VectorTarget, headRows: number | undefined): StagePart[] {
    const view = this.#store.view(param.name)
    const runs = runsOf(param)
    const perPart = runs.reduce((sum, { count }) => sum + count, 0)
    return runs.flatMap(({ first, count, step }, i) => {
      const place = part * perPart + i * count
      return shardRows(view, place, count).map(({ shard, row, rows, from }) => ({
        target: { buffer: shard.buffer.gpu, layout: shard.layout },
        row,
        rows,
        from: first + (from - place) * step,
        step,
        headRows,
      }))
    })
  }
}
