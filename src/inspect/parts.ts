import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { phasesOf, type Phase } from '../program/phases.ts'
import { elementsOf, rowAxis, shapeOf, type Program, type Step } from '../program/step.ts'
import type { InspectionRun } from '../run/inspectionRun.ts'
import type { Runner } from '../run/runner.ts'

/** What runs at once: a forward, or one of its phases, over rows `[begin, end)`. */
export interface ForwardPart {
  readonly run: InspectionRun
  /** The same object for parts that differ only in their rows: it need not be bound twice. */
  readonly program: Program
  readonly begin: number
  readonly end: number
  /** Steps of other phases that it reads, and its own that others read. */
  readonly carried: readonly Step[]
  /** Copies of these rows of what other phases have made, and of what they will read; `tensors` holds both for the chunk. */
  copyIn(encoder: GPUCommandEncoder, tensors: ReadonlyMap<string, LedgerBuffer>): void
  copyOut(encoder: GPUCommandEncoder, tensors: ReadonlyMap<string, LedgerBuffer>): void
}

interface PartOptions {
  readonly runner: Runner
  readonly run: InspectionRun
  /** Rows of the text. */
  readonly total: number
  /** Most rows of a part. */
  readonly chunk: number
  /** Rows of the first part, where later ones may be larger: each up to twice as many as the one before. */
  readonly first?: number | undefined
  /** The forward over rows `[begin, end)`. */
  readonly record: (begin: number, end: number) => Program
}

const nothing = (): void => undefined

/** Outputs of one phase that later ones read, whole: `[total, width]` each. */
class Carried {
  readonly #buffers = new Map<string, LedgerBuffer>()
  readonly #runner: Runner
  readonly #total: number

  constructor(runner: Runner, total: number) {
    this.#runner = runner
    this.#total = total
  }

  #bytesOfRow(step: Step): number {
    invariant(rowAxis(step) === 0, `${step.name} lies row by row`)
    return (elementsOf(step) / (shapeOf(step)[0] ?? 1)) * 4
  }

  /** Where a step's output is kept whole. */
  #of(step: Step): LedgerBuffer {
    const cached = this.#buffers.get(step.name)
    if (cached) return cached
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const bytes = this.#total * this.#bytesOfRow(step)
    const buffer = this.#runner.ledger.create(`inspection:${step.name}`, bytes, usage)
    this.#buffers.set(step.name, buffer)
    return buffer
  }

  /** Copies rows `[begin, end)` between the whole outputs and a chunk's. */
  copy(
    encoder: GPUCommandEncoder,
    steps: readonly Step[],
    tensors: ReadonlyMap<string, LedgerBuffer>,
    { begin, end, into }: { begin: number; end: number; into: 'chunk' | 'whole' },
  ): void {
    for (const step of steps) {
      const bytes = this.#bytesOfRow(step)
      const chunk = tensors.get(step.name)
      invariant(chunk, `${step.name} is carried`)
      const [at, size] = [begin * bytes, (end - begin) * bytes]
      if (into === 'chunk') encoder.copyBufferToBuffer(this.#of(step).gpu, at, chunk.gpu, 0, size)
      else encoder.copyBufferToBuffer(chunk.gpu, 0, this.#of(step).gpu, at, size)
    }
  }

  /** Frees what none of these phases reads. */
  keepFor(phases: readonly Phase[]): void {
    const read = new Set(phases.flatMap(({ takes }) => takes.map(({ name }) => name)))
    for (const [name, buffer] of this.#buffers) {
      if (read.has(name)) continue
      this.#runner.ledger.destroy(buffer)
      this.#buffers.delete(name)
    }
  }
}

/** Records each size of a forward once. */
function recorder({
  record,
  total,
  chunk,
}: PartOptions): (begin: number, rows?: number) => { end: number; program: Program } {
  const programCache = new Map<string, Program>()
  return (begin, rows = chunk) => {
    const end = Math.min(total, begin + rows)
    const key = `${end - begin}/${end === total}`
    const program = programCache.get(key) ?? record(begin, end)
    programCache.set(key, program)
    return { end, program }
  }
}

/**
 * The parts that a forward over a text runs in, in order. Where rows look back only, chunk after chunk. Where they see later ones and
 * are more than a chunk holds, phase after phase, each chunk by chunk: all keys and values of a layer are in their pages before its
 * scores are made. What follows a part is done before the next one is asked for.
 */
export async function* partsOf(options: PartOptions): AsyncGenerator<ForwardPart> {
  const { runner, run, total, chunk, first = chunk } = options
  const recorded = recorder(options)
  if (run.isCausal || total <= chunk) {
    let rows = run.isCausal ? Math.min(first, chunk) : chunk
    for (let begin = 0; begin < total; rows = Math.min(chunk, 2 * rows)) {
      const part = { begin, ...recorded(begin, rows) }
      yield { run, ...part, carried: [], copyIn: nothing, copyOut: nothing }
      begin = part.end
    }
    return
  }
  const carried = new Carried(runner, total)
  try {
    const cuts = new Map<Program, readonly Phase[]>()
    const cut = (program: Program): readonly Phase[] => {
      const phases = cuts.get(program) ?? phasesOf(program)
      cuts.set(program, phases)
      return phases
    }
    const count = cut(recorded(0).program).length
    for (let n = 0; n < count; n++) {
      yield* partsOfPhase(options, recorded, cut, n, carried)
      carried.keepFor(cut(recorded(0).program).slice(n + 1))
    }
  } finally {
    carried.keepFor([])
  }
}

async function* partsOfPhase(
  { run, total, chunk }: PartOptions,
  recorded: ReturnType<typeof recorder>,
  cut: (program: Program) => readonly Phase[],
  n: number,
  carrier: Carried,
): AsyncGenerator<ForwardPart> {
  const phaseRun = run.beside()
  const programs = new Map<Program, Program>()
  try {
    for (let begin = 0; begin < total; begin += chunk) {
      const { end, program } = recorded(begin)
      const phases = cut(program)
      const { steps, takes } = phases[n] ?? { steps: [], takes: [] }
      const later = new Set(phases.slice(n + 1).flatMap((phase) => phase.takes.map(({ name }) => name)))
      const gives = steps.filter(({ name }) => later.has(name))
      const phase = programs.get(program) ?? { ...program, steps }
      programs.set(program, phase)
      const place = { begin, end }
      yield {
        run: phaseRun,
        program: phase,
        begin,
        end,
        carried: [...takes, ...gives],
        copyIn: (encoder, tensors) => carrier.copy(encoder, takes, tensors, { ...place, into: 'chunk' }),
        copyOut: (encoder, tensors) => carrier.copy(encoder, gives, tensors, { ...place, into: 'whole' }),
      }
    }
  } finally {
    phaseRun.dispose()
  }
}
