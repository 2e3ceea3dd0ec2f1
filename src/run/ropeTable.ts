import { invariant, TokenscopeError } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { RopeScaling, RopeTable } from '../program/attrs.ts'
import { isOp, type Program } from '../program/step.ts'
import type { Executor } from './executor.ts'

/** Whether a rotation depends on how long the text is that its row belongs to, and from which length on. */
export function lengthBorder({ scaling }: RopeTable): number | null {
  return scaling.kind === 'longrope' || scaling.kind === 'dynamic' ? scaling.originalContext : null
}

/** Llama 3.1: what makes few turns over the original context is slowed down, a ramp up to what makes many. */
function llama3Frequency(frequency: number, scaling: Extract<RopeScaling, { kind: 'llama3' }>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling
  const turns = (originalContext * frequency) / (2 * Math.PI)
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  const kept = Math.min(1, Math.max(0, smooth))
  return kept * frequency + ((1 - kept) * frequency) / factor
}

/** θ of a text of `length` tokens (NTK-aware scaling). */
function grownTheta({ theta, rotary, scaling }: RopeTable, length: number): number {
  if (scaling.kind !== 'dynamic') return theta
  const { factor, originalContext } = scaling
  const growth = (factor * Math.max(length, originalContext)) / originalContext - (factor - 1)
  return theta * growth ** (rotary / (rotary - 2))
}

/**
 * Inverse frequencies in f64, one per rotated pair: θ^(−2i/rotary), then the scaling of the config. `length`: tokens of the whole
 * text, for scalings that go by it.
 * The Llama 3 rule follows the reference implementation's `apply_scaling`.
 */
export function ropeFrequencies(table: RopeTable, length = 0): Float64Array {
  const { rotary, scaling } = table
  const theta = grownTheta(table, length)
  return Float64Array.from({ length: rotary / 2 }, (_, pair): number => {
    const frequency = theta ** ((-2 * pair) / rotary)
    switch (scaling.kind) {
      case 'none':
      case 'dynamic':
        return frequency
      case 'linear':
        return frequency / scaling.factor
      case 'llama3':
        return llama3Frequency(frequency, scaling)
      case 'yarn': {
        const { first, last, factor } = scaling
        const ramp = (pair - first) / (last > first ? last - first : 0.001)
        const slow = Math.min(1, Math.max(0, ramp))
        return frequency * (1 - slow) + (frequency / factor) * slow
      }
      case 'longrope': {
        const divisors = length > scaling.originalContext ? scaling.long : scaling.short
        return frequency / (divisors[pair] ?? 1)
      }
    }
  })
}

/**
 * cos and sin of every angle of positions `0 … positions − 1`, computed in f64 because WGSL only specifies its own on [−π, π].
 * Both are `[positions, rotary / 2]`, row-major.
 */
export function ropeTable(
  rope: RopeTable,
  positions: number,
  length = 0,
): { cos: Float32Array; sin: Float32Array } {
  invariant(rope.rotary % 2 === 0, 'an even number of dimensions rotates')
  const frequencies = ropeFrequencies(rope, length)
  const magnitude = 'magnitude' in rope.scaling ? rope.scaling.magnitude : 1
  const pairs = frequencies.length
  const cos = new Float32Array(positions * pairs)
  const sin = new Float32Array(positions * pairs)
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * (frequencies[pair] ?? 0)
      cos[position * pairs + pair] = magnitude * Math.cos(angle)
      sin[position * pairs + pair] = magnitude * Math.sin(angle)
    }
  }
  return { cos, sin }
}

/** The table as the kernels read it: `[positions, 2, rotary / 2]`, cos then sin. */
function interleaved(rope: RopeTable, positions: number, length: number): Float32Array<ArrayBuffer> {
  const { cos, sin } = ropeTable(rope, positions, length)
  const half = rope.rotary / 2
  const table = new Float32Array(positions * rope.rotary)
  for (let p = 0; p < positions; p++) {
    table.set(cos.subarray(p * half, (p + 1) * half), p * rope.rotary)
    table.set(sin.subarray(p * half, (p + 1) * half), p * rope.rotary + half)
  }
  return table
}

/** Rotations of longer texts that are kept at once where each length has its own. */
const KEPT_LENGTHS = 4

/** The different rotations of a forward. */
function tablesOf({ steps }: Program): readonly RopeTable[] {
  const stepTables = steps.filter((step) => isOp(step, 'rope')).map(({ attrs }) => attrs.table)
  return [...new Map(stepTables.map((table) => [JSON.stringify(table), table])).values()]
}

const borderOf = (tables: readonly RopeTable[]): number =>
  Math.min(...tables.map((table) => lengthBorder(table) ?? Infinity))

/** Sections for texts longer than the border, none where no text of `context` tokens is. */
function sectionsBehind(tables: readonly RopeTable[], context: number): number {
  if (borderOf(tables) >= context) return 0
  return tables.some(({ scaling }) => scaling.kind === 'dynamic') ? KEPT_LENGTHS : 1
}

/** Bytes of the widest table of a forward for each position. */
export function tableBytesPerPosition(forward: Program): number {
  const tables = tablesOf(forward)
  const rotary = Math.max(0, ...tables.map((table) => table.rotary))
  return (1 + sectionsBehind(tables, forward.positions)) * rotary * 4
}

/**
 * The rotary tables of a forward pass on the GPU, each once. Where a rotation goes by the length of the text, a table has a section
 * for short texts and one for each other kind of text: `[sections, positions, 2, rotary / 2]`. Larger tables may take the place of
 * these while an inspection is still bound to them: they are freed once nothing is.
 */
export class RopeTables {
  readonly #buffers = new Map<string, LedgerBuffer>()
  readonly #tables: readonly RopeTable[]
  readonly #executor: Pick<Executor, 'device' | 'ledger'>
  readonly #positions: number
  /** Longest text that turns as short ones do. */
  readonly border: number
  readonly #isGrowing: boolean
  /** What each section behind the first holds, used longest ago first. */
  #held: { section: number; length: number }[] = []
  #holders = 1

  /** `forward` is recorded for the longest text there will be; the tables are for `positions` of it. */
  constructor(
    executor: Pick<Executor, 'device' | 'ledger'>,
    forward: Program,
    positions = forward.positions,
  ) {
    this.#executor = executor
    this.#positions = positions
    this.#tables = tablesOf(forward)
    this.border = borderOf(this.#tables)
    this.#isGrowing = this.#tables.some(({ scaling }) => scaling.kind === 'dynamic')
    const more = sectionsBehind(this.#tables, forward.positions)
    this.#held = Array.from({ length: more }, (_, i) => ({ section: i + 1, length: 0 }))
    this.#add('none', 16)
    for (const table of this.#tables)
      this.#add(JSON.stringify(table), (1 + more) * positions * table.rotary * 4)
    this.#write(0, 0)
  }

  #add(key: string, bytes: number): void {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
    this.#buffers.set(key, this.#executor.ledger.create('rope', bytes, usage))
  }

  #write(section: number, length: number): void {
    for (const table of this.#tables) {
      const at = section * this.#positions * table.rotary * 4
      const values = interleaved(table, this.#positions, length)
      this.#executor.device.queue.writeBuffer(this.get(table), at, values)
    }
  }

  get(table: RopeTable | null): GPUBuffer {
    const buffer = this.#buffers.get(table ? JSON.stringify(table) : 'none')
    invariant(buffer, 'every rotation of a forward has its table')
    return buffer.gpu
  }

  /**
   * The length that stands for a text's in its rotation: texts of which this is equal turn alike. 0 for all up to the border, and for
   * models that do not go by it.
   */
  turnedAs(length: number): number {
    if (length <= this.border || this.#held.length === 0) return 0
    return this.#isGrowing ? length : this.border + 1
  }

  /** Sees to it that the tables have sections for texts of these lengths. Throws `limit` where they are too many for one forward. */
  ensure(lengths: readonly number[]): void {
    const wanted = new Set(lengths.map((length) => this.turnedAs(length)).filter((turned) => turned !== 0))
    if (wanted.size > this.#held.length) {
      const message = `One forward can turn texts of ${this.#held.length} lengths past ${this.border} tokens, not of ${wanted.size}.`
      throw new TokenscopeError('limit', message, {
        hint: 'Run fewer texts at once.',
        details: { lengths: wanted.size, most: this.#held.length },
      })
    }
    const [kept, free] = [true, false].map((is) =>
      this.#held.filter((held) => wanted.has(held.length) === is),
    )
    for (const { length } of kept ?? []) wanted.delete(length)
    for (const turned of wanted) {
      const entry = free?.shift()
      invariant(entry, 'there is a section for long texts')
      this.#write(entry.section, turned)
      entry.length = turned
      kept?.push(entry)
    }
    this.#held = [...(free ?? []), ...(kept ?? [])]
  }

  /** First row in every table of the section for texts of such a length, which is held. */
  firstRow(length: number): number {
    const turned = this.turnedAs(length)
    if (turned === 0) return 0
    const entry = this.#held.find((held) => held.length === turned)
    invariant(entry, `the tables hold a section for texts of ${length} tokens`)
    return entry.section * this.#positions
  }

  /** Another holder of these tables. */
  retain(): this {
    this.#holders += 1
    return this
  }

  /** A holder is done with them; the last one frees them. */
  release(): void {
    this.#holders -= 1
    if (this.#holders > 0) return
    for (const buffer of this.#buffers.values()) this.#executor.ledger.destroy(buffer)
  }
}
