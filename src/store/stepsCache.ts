import type { TensorData } from '../types.ts'
import type { StepsSource } from './stepsSource.ts'

/** Bytes of tensors kept on the page. */
const BUDGET = 64 * 2 ** 20

/** Tensors of one forward, the longest unused given up first. Reads under way are shared. */
export class TensorCache {
  private readonly kept = new Map<string, TensorData>()
  private readonly underWay = new Map<string, Promise<TensorData>>()
  private readonly budget: number
  private bytes = 0
  /** Changes when the cache is emptied: late reads of the forward before are not kept. */
  private generation = 0

  constructor(budget = BUDGET) {
    this.budget = budget
  }

  has(step: string): boolean {
    return this.kept.has(step)
  }

  peek(step: string): TensorData | null {
    return this.kept.get(step) ?? null
  }

  read(source: StepsSource, step: string): Promise<TensorData> {
    const found = this.kept.get(step)
    if (found !== undefined) {
      this.kept.delete(step)
      this.kept.set(step, found)
      return Promise.resolve(found)
    }
    const asked = this.underWay.get(step)
    if (asked !== undefined) return asked
    const { generation } = this
    const reading = source
      .read(step)
      .then((tensor) => {
        if (generation === this.generation) this.keep(step, tensor)
        return tensor
      })
      .finally(() => {
        if (this.underWay.get(step) === reading) this.underWay.delete(step)
      })
    this.underWay.set(step, reading)
    return reading
  }

  clear(): void {
    this.generation += 1
    this.kept.clear()
    this.underWay.clear()
    this.bytes = 0
  }

  private keep(step: string, tensor: TensorData): void {
    this.kept.set(step, tensor)
    this.bytes += tensor.data.byteLength
    for (const [oldest, { data }] of this.kept) {
      if (this.bytes <= this.budget || oldest === step) break
      this.kept.delete(oldest)
      this.bytes -= data.byteLength
    }
  }
}
