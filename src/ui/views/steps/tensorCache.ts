import { invariant } from '../../../errors.ts'
import type { TensorData } from '../../../api/model.ts'
import { pictureShape } from '../../../analysis/steps.ts'
import { isLarge, type StepsSource } from './source.ts'

/** Bytes of tensors kept on the page. */
const BUDGET = 64 * 2 ** 20

/**
 * Values of one forward: small tensors whole, rows of large ones; the longest unused are given up first. Reads under way are
 * shared.
 */
export class TensorCache {
  private readonly kept = new Map<string, Float32Array>()
  private readonly underWay = new Map<string, Promise<Float32Array>>()
  private readonly budget: number
  private bytes = 0
  /** Changes when the cache is emptied: late reads of the forward before are not kept. */
  private generation = 0

  constructor(budget = BUDGET) {
    this.budget = budget
  }

  /** A step's whole output, if it is here. */
  peek(source: StepsSource, step: string): TensorData | null {
    const data = this.kept.get(step)
    return data === undefined ? null : { shape: shapeOf(source, step), data }
  }

  /** A step's whole output; for large ones only where a computation needs it. */
  async read(source: StepsSource, step: string): Promise<TensorData> {
    const data = await this.share(step, async () => (await source.read(step)).data)
    return { shape: shapeOf(source, step), data }
  }

  /** One row of the forward: `[columns]`, or `[slices · columns]` of a rank-3 output. */
  peekRow(source: StepsSource, step: string, row: number): Float32Array | null {
    const fullTensor = this.peek(source, step)
    return fullTensor === null ? (this.kept.get(rowKey(step, row)) ?? null) : rowOf(fullTensor, row)
  }

  async readRow(source: StepsSource, step: string, row: number): Promise<Float32Array> {
    const cached = this.peekRow(source, step, row)
    if (cached !== null) return cached
    if (!isLarge(shapeOf(source, step))) return rowOf(await this.read(source, step), row)
    return this.share(rowKey(step, row), async () => (await source.row(step, row)).data)
  }

  clear(): void {
    this.generation += 1
    this.kept.clear()
    this.underWay.clear()
    this.bytes = 0
  }

  private share(key: string, read: () => Promise<Float32Array>): Promise<Float32Array> {
    const cached = this.kept.get(key)
    if (cached !== undefined) {
      this.kept.delete(key)
      this.kept.set(key, cached)
      return Promise.resolve(cached)
    }
    const asked = this.underWay.get(key)
    if (asked !== undefined) return asked
    const { generation } = this
    const pending = read()
      .then((data) => {
        if (generation === this.generation) this.store(key, data)
        return data
      })
      .finally(() => {
        if (this.underWay.get(key) === pending) this.underWay.delete(key)
      })
    this.underWay.set(key, pending)
    return pending
  }

  private store(key: string, data: Float32Array): void {
    this.kept.set(key, data)
    this.bytes += data.byteLength
    for (const [oldest, { byteLength }] of this.kept) {
      if (this.bytes <= this.budget || oldest === key) break
      this.kept.delete(oldest)
      this.bytes -= byteLength
    }
  }
}

const rowKey = (step: string, row: number): string => `${step}#${row}`

function shapeOf(source: StepsSource, step: string): readonly number[] {
  const info = source.steps.find(({ name }) => name === step)
  invariant(info, `${step} is a step of this forward`)
  return pictureShape(info, info.output.shape)
}

/** A row of a whole tensor; rows of a rank-3 tensor lie on its second axis. */
export function rowOf({ shape, data }: TensorData, row: number): Float32Array {
  const [cols = 1, rows = 1, slices = 1] = shape.toReversed()
  if (slices === 1) return data.subarray(row * cols, (row + 1) * cols)
  const values = new Float32Array(slices * cols)
  for (let slice = 0; slice < slices; slice++) {
    const at = (slice * rows + row) * cols
    values.set(data.subarray(at, at + cols), slice * cols)
  }
  return values
}
