import type { LoadFormat } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { invariant } from '../errors.ts'
import { isBlockType, type BlockType, type Checkpoint, type TensorInfo } from '../formats/tensors.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { findNonFinite } from './finite.ts'
import { FORMATS, loadFormat, type WeightFormat } from './formats/index.ts'
import { planMatrices, type StoredMatrixType } from './plan.ts'
import { WeightRelay, type SourceType } from './relay.ts'
import { WeightStage, type StagedTensor, type StagePart } from './stage.ts'
import { shardRows, type WeightStore } from './store.ts'
import { runsOf, VectorWriter, type Target } from './vectors.ts'

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
export type FormatOf = (dtype: TensorInfo['dtype']) => WeightFormat

/** The formats of a checkpoint's matrices. */
export async function formatsOf({ tensors }: Pick<Checkpoint, 'tensors'>): Promise<FormatOf> {
  const formats = new Map<TensorInfo['dtype'], WeightFormat>(
    Object.entries(FLOAT_FORMATS) as [SourceType, WeightFormat][],
  )
  for (const { dtype } of tensors.values()) {
    if (!isBlockType(dtype) || formats.has(dtype)) continue
    formats.set(dtype, await loadFormat(dtype.toLowerCase() as Lowercase<BlockType>))
  }
  return (dtype) => {
    const format = formats.get(dtype)
    invariant(format, `weights are floats or blocks, got ${dtype}`)
    return format
  }
}

/** How a matrix of a checkpoint is kept as it is. */
export function storedType({ dtype, quirk }: TensorInfo, formatOf: FormatOf): StoredMatrixType {
  const format = formatOf(dtype)
  return { format, headRows: quirk?.kind === 'interleaved' ? quirk.headRows : undefined }
}

/** Every tensor that a model reads, with what it becomes. */
function targetsOf(model: ModelDescription): Map<string, Target[]> {
  const targets = new Map<string, Target[]>()
  for (const param of model.params) {
    for (const [part, tensor] of [param.tensor, ...(param.more ?? [])].entries()) {
      targets.set(tensor, [...(targets.get(tensor) ?? []), { param, part }])
    }
  }
  return targets
}

/**
 * Makes the GPU buffers of a model and streams its checkpoint into them: matrices go to the GPU as the file's bytes, and are put in
 * place there. Returns remarks: matrices kept otherwise than asked for, and tensors with NaN.
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  model: ModelDescription,
  store: WeightStore,
  options: LoadWeightsOptions,
): Promise<{ exceptions: string[]; warnings: string[] }> {
  const { format, pipelines, ledger, signal, onBytes } = options
  const formatOf = await formatsOf(checkpoint)
  const stored = (name: string): StoredMatrixType => {
    const tensor = checkpoint.tensors.get(name)
    invariant(tensor, `${name} was found`)
    return storedType(tensor, formatOf)
  }
  const { plans, exceptions } = planMatrices(model, { asked: format, stored })
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
    await checkpoint.read(
      (name) => targets.has(name),
      (tensor, offset, chunk) => loader.add(tensor, offset, chunk),
      { signal, onBytes },
    )
    await loader.finish()
  } finally {
    stage.dispose()
  }
  const matrices = model.params.filter(({ role }) => role === 'matrix')
  const bad = [...loader.notFinite, ...(await findNonFinite(matrices, { store, pipelines, ledger }))]
  const warnings = [...new Set(bad)].map(
    (name) => `${name} holds NaN or infinite weights: text generated with it will stop with an error.`,
  )
  return { exceptions, warnings }
}

/** Takes the bytes of tensors in order: those of matrices go to the stage, others are small and gathered. */
class TensorLoader {
  readonly #store: WeightStore
  readonly #stage: WeightStage
  readonly #targets: ReadonlyMap<string, readonly Target[]>
  readonly #vectors: VectorWriter
  /** Bytes so far of a tensor that is no matrix. */
  #gathered: Uint8Array | null = null
  /** Tensors of vectors that hold NaN or infinity. */
  readonly notFinite = new Set<string>()

  constructor(store: WeightStore, stage: WeightStage, targets: ReadonlyMap<string, readonly Target[]>) {
    this.#store = store
    this.#stage = stage
    this.#targets = targets
    this.#vectors = new VectorWriter(store)
  }

  async add(tensor: TensorInfo, offset: number, chunk: Uint8Array): Promise<void> {
    const targets = this.#targets.get(tensor.name) ?? []
    const bytes = tensor.end - tensor.begin
    const isMatrix = targets.some(({ param }) => param.role === 'matrix')
    if (offset === 0) {
      if (isMatrix) this.#stage.begin(this.#staged(tensor, targets))
      this.#gathered = isMatrix ? null : new Uint8Array(bytes)
    }
    if (isMatrix) await this.#stage.add(chunk as Uint8Array<ArrayBuffer>)
    else this.#gathered?.set(chunk, offset)
    if (offset + chunk.length < bytes) return
    if (isMatrix) await this.#stage.end()
    else if (this.#gathered && !(await this.#vectors.add(tensor, this.#gathered, targets)))
      this.notFinite.add(tensor.name)
  }

  async finish(): Promise<void> {
    this.#vectors.finish()
    await this.#stage.finish()
  }

  #staged(tensor: TensorInfo, targets: readonly Target[]): StagedTensor {
    const { dtype, shape, begin, end, quirk } = tensor
    const headRows = quirk?.kind === 'interleaved' ? quirk.headRows : undefined
    const turned = targets[0]?.param.layout === 'in_out' && quirk?.kind !== 'turned'
    return {
      bytes: end - begin,
      source: isFloat(dtype) ? dtype : 'blocks',
      ...(turned ? { turned: shape[1] ?? 0 } : {}),
      parts: targets.flatMap((target) => this.#parts(target, headRows)),
    }
  }

  /** Where the rows of a tensor go that a parameter takes of it. */
  #parts({ param, part }: Target, headRows: number | undefined): StagePart[] {
    const view = this.#store.view(param.name)
    const runs = runsOf(param)
    const perPart = runs.reduce((sum, { count }) => sum + count, 0)
    return runs.flatMap(({ first, count }, i) => {
      const place = part * perPart + i * count
      return shardRows(view, place, count).map(({ shard, row, rows, from }) => ({
        target: { buffer: shard.buffer.gpu, layout: shard.layout },
        row,
        rows,
        from: first + from - place,
        headRows,
      }))
    })
  }
}
