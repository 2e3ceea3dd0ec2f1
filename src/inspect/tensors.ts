import { TokenscopeError, invariant } from '../errors.ts'
import { TensorCells } from '../gpu/heatmapCells.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import type { BoundAdapters } from '../run/changes.ts'
import { createTensors, runKept, type ForwardInput, type LastingForward } from './forward.ts'
import { matchesPattern, pictureShape, shapeOf, type Program, type Step } from '../program/step.ts'

/** A step's output on the GPU, and what was derived from it for drawing. */
export interface KeptTensor {
  readonly step: Step
  readonly buffer: LedgerBuffer
  readonly cells: TensorCells
}

/** Leading slices, rows and columns a tensor is drawn as. */
function matrixShape(step: Step): { slices: number; rows: number; cols: number } {
  const [slices = 1, rows = 1, cols = 1] = [1, 1, ...pictureShape(step)].slice(-3)
  return { slices, rows, cols }
}

/** Steps to keep within a budget: those asked for first, then the others in order, as long as each fits. */
export function planKept(
  program: Program,
  { retain, budget, largest }: { retain: readonly string[]; budget: number; largest: number },
): Step[] {
  const asked = program.steps.filter(({ name }) => retain.some((pattern) => matchesPattern(name, pattern)))
  const kept = new Set<Step>()
  let left = budget
  for (const step of [...asked, ...program.steps]) {
    const bytes = tensorBytes(shapeOf(step))
    if (kept.has(step) || bytes > left || bytes > largest) continue
    kept.add(step)
    left -= bytes
  }
  return program.steps.filter((step) => kept.has(step))
}

/**
 * The tensors of one inspection: those kept from its forward, and others that are computed again when asked for and given up,
 * longest unused first, when the budget is spent.
 */
export class InspectTensors {
  private readonly kept = new Map<string, KeptTensor>()
  /** Computed again; oldest use first. */
  private readonly extra = new Map<string, KeptTensor>()
  private readonly coming = new Map<string, Promise<KeptTensor>>()
  private readonly users = new Map<string, number>()
  private readonly input: ForwardInput
  private readonly program: Program
  private readonly adapters: BoundAdapters | null
  private readonly weights: string | null
  private spare: number
  /** Present when every step was kept by one forward: its steps can run again. */
  forward: LastingForward | null = null

  constructor(input: ForwardInput, program: Program, budget: number) {
    this.input = input
    this.program = program
    this.adapters = input.runner.adapters
    this.weights = input.weights()
    this.spare = budget
  }

  get bytes(): number {
    return [...this.kept.values()].reduce((sum, { buffer }) => sum + buffer.bytes, 0)
  }

  has(name: string): boolean {
    return this.kept.has(name)
  }

  /** The first forward. The caller holds the turn. */
  async retain(steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return
    const all = steps.length === this.program.steps.length
    const { tensors, forward } = await this.run(steps, all)
    for (const tensor of tensors) this.kept.set(tensor.step.name, tensor)
    this.spare -= this.bytes
    if (all) this.forward = forward
    else forward.run.dispose()
  }

  private async run(
    steps: readonly Step[],
    atOnce: boolean,
  ): Promise<{ tensors: KeptTensor[]; forward: LastingForward }> {
    const { device, ledger } = this.input.runner
    const buffers = await createTensors(this.input.runner, steps)
    try {
      const forward = await runKept(this.input, buffers, atOnce)
      const tensors = steps.flatMap((step): KeptTensor[] => {
        const buffer = buffers.get(step.name)
        if (!buffer) return []
        const source = { buffer: buffer.gpu, ...matrixShape(step) }
        return [{ step, buffer, cells: new TensorCells(device, ledger, source) }]
      })
      return { tensors, forward }
    } catch (error) {
      buffers.forEach((buffer) => ledger.destroy(buffer))
      throw error
    }
  }

  /** Works on a step's tensor, which stays at least until the work is done. */
  async use<T>(step: Step, work: (tensor: KeptTensor) => T | Promise<T>): Promise<T> {
    const kept = this.kept.get(step.name)
    if (kept) return work(kept)
    this.users.set(step.name, (this.users.get(step.name) ?? 0) + 1)
    try {
      return await work(await this.recomputed(step))
    } finally {
      this.users.set(step.name, (this.users.get(step.name) ?? 1) - 1)
    }
  }

  private recomputed(step: Step): Promise<KeptTensor> {
    const cached = this.extra.get(step.name)
    if (cached) {
      this.extra.delete(step.name)
      this.extra.set(step.name, cached)
      return Promise.resolve(cached)
    }
    const pending = this.coming.get(step.name) ?? this.input.runner.exclusive(() => this.recompute(step))
    this.coming.set(step.name, pending)
    return pending
  }

  private async recompute(step: Step): Promise<KeptTensor> {
    try {
      this.checkFresh()
      this.makeRoom(tensorBytes(shapeOf(step)))
      const { tensors, forward } = await this.run([step], false)
      forward.run.dispose()
      const [tensor] = tensors
      invariant(tensor, `${step.name} was computed`)
      this.extra.set(step.name, tensor)
      return tensor
    } finally {
      this.coming.delete(step.name)
    }
  }

  /** Adapters swapped or merged since then would make another forward of it. Throws `bad-argument`. */
  checkFresh(): void {
    if (this.input.runner.adapters === this.adapters && this.input.weights() === this.weights) return
    throw new TokenscopeError('bad-argument', 'The adapters have changed since this inspection began.', {
      hint: 'Inspect again; what was kept can still be read.',
    })
  }

  /** Gives up what is not in use, longest unused first; what is in use may exceed the budget for a while. */
  private makeRoom(bytes: number): void {
    let used = [...this.extra.values()].reduce((sum, { buffer }) => sum + buffer.bytes, 0)
    for (const [name, tensor] of this.extra) {
      if (used + bytes <= this.spare) return
      if ((this.users.get(name) ?? 0) > 0) continue
      this.extra.delete(name)
      used -= tensor.buffer.bytes
      this.free(tensor)
    }
  }

  private free({ buffer, cells }: KeptTensor): void {
    cells.dispose()
    this.input.runner.ledger.destroy(buffer)
  }

  /** Frees everything. No method may be working on a tensor. */
  dispose(): void {
    for (const tensor of [...this.kept.values(), ...this.extra.values()]) this.free(tensor)
    this.forward?.run.dispose()
    this.forward = null
    this.kept.clear()
    this.extra.clear()
  }
}
