import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { RopeTable } from '../program/attrs.ts'
import { isOp, type Program } from '../program/step.ts'
import type { Executor } from './executor.ts'

/**
 * Inverse frequencies in f64, one per rotated pair: θ^(−2i/rotary), then the scaling of the config.
 * The Llama 3 rule follows the reference implementation's `apply_scaling`.
 */
export function ropeFrequencies({ theta, rotary, scaling }: RopeTable): Float64Array {
  return Float64Array.from({ length: rotary / 2 }, (_, pair) => {
    const frequency = theta ** ((-2 * pair) / rotary)
    switch (scaling.kind) {
      case 'none':
        return frequency
      case 'linear':
        return frequency / scaling.factor
      case 'llama3': {
        const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling
        const turns = (originalContext * frequency) / (2 * Math.PI)
        if (turns > highFreqFactor) return frequency
        if (turns < lowFreqFactor) return frequency / factor
        const keep = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
        return (1 - keep) * (frequency / factor) + keep * frequency
      }
    }
  })
}

/**
 * cos and sin of every angle of positions `0 … positions − 1`, computed in f64 because WGSL only specifies its own on [−π, π].
 * Both are `[positions, rotary / 2]`, row-major.
 */
export function ropeTable(rope: RopeTable, positions: number): { cos: Float32Array; sin: Float32Array } {
  invariant(rope.rotary % 2 === 0, 'an even number of dimensions rotates')
  const frequencies = ropeFrequencies(rope)
  const pairs = frequencies.length
  const cos = new Float32Array(positions * pairs)
  const sin = new Float32Array(positions * pairs)
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * (frequencies[pair] ?? 0)
      cos[position * pairs + pair] = Math.cos(angle)
      sin[position * pairs + pair] = Math.sin(angle)
    }
  }
  return { cos, sin }
}

/** The table as the kernels read it: `[positions, 2, rotary / 2]`, cos then sin. */
function interleaved(rope: RopeTable, positions: number): Float32Array<ArrayBuffer> {
  const { cos, sin } = ropeTable(rope, positions)
  const half = rope.rotary / 2
  const table = new Float32Array(positions * rope.rotary)
  for (let p = 0; p < positions; p++) {
    table.set(cos.subarray(p * half, (p + 1) * half), p * rope.rotary)
    table.set(sin.subarray(p * half, (p + 1) * half), p * rope.rotary + half)
  }
  return table
}

/** The rotary tables of a forward pass on the GPU, each once. */
export class RopeTables {
  readonly #buffers = new Map<string, LedgerBuffer>()
  readonly #executor: Pick<Executor, 'device' | 'ledger'>

  constructor(executor: Pick<Executor, 'device' | 'ledger'>, { steps, positions }: Program) {
    this.#executor = executor
    this.#add('none', new Float32Array(4))
    for (const step of steps) {
      if (!isOp(step, 'rope')) continue
      const key = JSON.stringify(step.attrs.table)
      if (!this.#buffers.has(key)) this.#add(key, interleaved(step.attrs.table, positions))
    }
  }

  #add(key: string, table: Float32Array<ArrayBuffer>): void {
    const { ledger, device } = this.#executor
    const buffer = ledger.create('rope', table.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST)
    device.queue.writeBuffer(buffer.gpu, 0, table)
    this.#buffers.set(key, buffer)
  }

  get(table: RopeTable | null): GPUBuffer {
    const buffer = this.#buffers.get(table ? JSON.stringify(table) : 'none')
    invariant(buffer, 'every rotation of a forward has its table')
    return buffer.gpu
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#executor.ledger.destroy(buffer)
  }
}
