import type { PipelineCache } from '../gpu/pipelines.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { candidateStep, cellWords, parseCell, rankStep, type RankCell } from '../ops/rank.ts'
import { RECORD_BYTES } from '../ops/select.ts'
import type { UnembedReader } from './unembed.ts'
import type { Runner } from '../run/runner.ts'

/** Rows of logits on the GPU to rank, and where buffers come from and go with. */
export interface RankInput {
  readonly pipelines: PipelineCache
  readonly create: (label: string, bytes: number, usage: GPUBufferUsageFlags) => LedgerBuffer
  /** Rows that all need logits, with at least `k` candidates each; a row's token is the one to follow, none when FROM_SAMPLER. */
  readonly batch: GPUBuffer
  /** [rows, vocab] */
  readonly logits: GPUBuffer
  readonly rows: number
  readonly vocab: number
  /** Candidates of a row: at most 256, at most `vocab`. */
  readonly k: number
}

export interface BoundRank {
  /** Adds the dispatches to a pass behind those that make the logits; returns how many there are. */
  encode: (pass: GPUComputePassEncoder) => number
  /** [rows, cellWords(k)] */
  readonly cells: GPUBuffer
}

/** Candidates, then ranks, of rows of logits; both kernels are compiled here and kept with the device's others. */
export async function bindRank(input: RankInput): Promise<BoundRank> {
  const { pipelines, create, batch, logits, rows, vocab, k } = input
  const { device, variant } = pipelines
  const { STORAGE, UNIFORM, COPY_DST, COPY_SRC } = GPUBufferUsage
  const planned = [candidateStep(variant, k), rankStep(variant)]
  const kernels = await Promise.all(planned.map(({ shader, layout }) => pipelines.get(shader, layout)))
  const params = create('params', 16, UNIFORM | COPY_DST)
  device.queue.writeBuffer(params.gpu, 0, new Uint32Array([vocab, k, 0, 0]))
  const records = create('records', rows * RECORD_BYTES, STORAGE)
  const drawn = create('drawn', 16, STORAGE)
  const cells = create('cells', rows * cellWords(k) * 4, STORAGE | COPY_SRC)
  const steps = kernels.map(({ pipeline, layout }, i) => {
    const buffers = [batch, params.gpu, logits, records.gpu, i === 0 ? drawn.gpu : cells.gpu]
    const entries = buffers
      .slice(0, planned[i]?.layout.length)
      .map((buffer, binding) => ({ binding, resource: { buffer } }))
    return { pipeline, group: device.createBindGroup({ label: 'rank', layout, entries }) }
  })
  const encode = (pass: GPUComputePassEncoder): number => {
    for (const step of steps) {
      pass.setPipeline(step.pipeline)
      pass.setBindGroup(0, step.group)
      pass.dispatchWorkgroups(rows)
    }
    return steps.length
  }
  return { encode, cells: cells.gpu }
}

/** Turns logits that the head leaves into cells of up to `topK` candidates, which alone are read back. */
export function cellReader(runner: Runner, topK: number): UnembedReader<RankCell[]> {
  const { pipelines, model } = runner
  const { vocab } = model
  const k = Math.min(topK, vocab)
  return {
    candidates: k,
    async bind({ run, batch, logits, rows }) {
      const create: RankInput['create'] = (label, bytes, usage) => run.create(label, bytes, usage)
      const { encode, cells } = await bindRank({ pipelines, create, batch, logits, rows, vocab, k })
      const read = async (): Promise<RankCell[]> => {
        const words = await runner.executor.readElements(cells, [[0, rows * cellWords(k)]])
        return Array.from({ length: rows }, (_, row) => parseCell(words, row, k))
      }
      return { encode, read }
    },
  }
}
