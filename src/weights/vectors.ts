import { invariant } from '../errors.ts'
import { decodeFloats } from '../formats/floats.ts'
import { rowsOfCheckpoint } from '../formats/gguf/quirks.ts'
import { isBlockType, type TensorInfo } from '../formats/tensors.ts'
import { takeOutputs } from '../program/outputs.ts'
import type { OutputRuns, ParamRef } from '../program/step.ts'
import type { WeightStore } from './store.ts'

/** A parameter, or the part of it that one of its tensors holds. */
export interface VectorTarget {
  readonly param: ParamRef
  readonly part: number
}

async function valuesOf({ dtype }: TensorInfo, bytes: Uint8Array): Promise<Float32Array> {
  if (dtype === 'F8_E4M3' || dtype === 'F8_E5M2') {
    const { decodeF8 } = await import('../formats/packed/f8.ts')
    return decodeF8(dtype, bytes)
  }
  if (!isBlockType(dtype)) return decodeFloats(dtype, bytes)
  const { dequantise } = await import('../formats/gguf/dequantise.ts')
  return dequantise(dtype, bytes)
}

async function decode(tensor: TensorInfo, bytes: Uint8Array): Promise<Float32Array> {
  const { shape, quirk } = tensor
  const values = await valuesOf(tensor, bytes)
  if (quirk?.kind === 'interleaved') return rowsOfCheckpoint(values, shape[0] ?? 1, quirk.headRows)
  return quirk?.kind === 'plus-one' ? values.map((value) => value - 1) : values
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

/** Runs of outputs of a tensor that a parameter takes, in order: the first, how many, and how far apart. */
export function runsOf({
  shape,
  rows,
  runs,
  more,
}: ParamRef): { first: number; count: number; step: number }[] {
  const out = (shape[0] ?? 0) / ((more?.length ?? 0) + 1)
  const { count, stride, step = 1 }: OutputRuns = runs ?? { count: 1, stride: 0 }
  const begin = rows?.[0] ?? 0
  return Array.from({ length: count }, (_, i) => ({ first: begin + i * stride, count: out / count, step }))
}

/**
 * Norms, biases and tables of positions, which are f32 whatever the file holds. A norm's weight and bias share a buffer, which is
 * written when all of it is there.
 */
export class VectorWriter {
  readonly #store: WeightStore
  readonly #parts = new Map<string, { weight: Float32Array[]; bias: Float32Array[] }>()

  constructor(store: WeightStore) {
    this.#store = store
  }

  /** Takes a whole tensor. Returns whether all its values are finite. */
  async add(tensor: TensorInfo, bytes: Uint8Array, targets: readonly VectorTarget[]): Promise<boolean> {
    const data = await decode(tensor, bytes)
    for (const { param, part } of targets) {
      const width = param.shape.slice(1).reduce((product, size) => product * size, 1)
      const values = takeOutputs(param, data, width)
      const owner = param.name.replace(/\.bias$/, '')
      if (param.role === 'bias') this.#store.writeBias(owner, values, part * values.length)
      else this.#set(owner, owner === param.name ? 'weight' : 'bias', part, values)
    }
    return data.every(Number.isFinite)
  }

  #set(owner: string, which: 'weight' | 'bias', part: number, values: Float32Array): void {
    const entry = this.#parts.get(owner) ?? { weight: [], bias: [] }
    entry[which][part] = values
    this.#parts.set(owner, entry)
  }

  finish(): void {
    for (const [name, { weight, bias }] of this.#parts) {
      invariant(weight.length > 0, `${name} has a weight`)
      this.#store.writeVector(name, bias.length > 0 ? [joined(weight), joined(bias)] : [joined(weight)])
    }
  }
}
