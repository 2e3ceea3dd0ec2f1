import { adaptedWeight, expertDelta } from '../adapters/dense.ts'
import type { ScaledAdapter } from '../adapters/combine.ts'
import type { ParsedAdapter } from '../adapters/types.ts'
import { writeSafetensors, type OutputTensor } from '../adapters/writeSafetensors.ts'
import { TokenscopeError } from '../errors.ts'
import { writeMatrix } from '../weights/convert.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { Runner } from '../run/runner.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { outputAt, placeOutputs } from '../program/outputs.ts'
import type { ParamRef } from '../program/step.ts'
import { WeightReader } from '../weights/reader.ts'

/** Bytes of a buffer as they were before a merge. */
interface Backup {
  buffer: LedgerBuffer
  bytes: ArrayBuffer
}

/** Adapters folded into the weights on the GPU, and what it takes to undo that exactly. */
export interface Merged {
  readonly parts: readonly ScaledAdapter[]
  restore(): void
}

/** W + Σ s·(adapted(W) − W) over the parts, null when none touches the parameter. */
function mergedWeight(
  parts: readonly ScaledAdapter[],
  name: string,
  base: Float32Array,
): Float32Array | null {
  let sum: Float64Array | null = null
  for (const { adapter, scale } of parts) {
    const adapted = adaptedWeight(adapter, name, base, scale)
    if (!adapted) continue
    sum ??= Float64Array.from(base)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (adapted[i] ?? 0) - (base[i] ?? 0)
  }
  return sum ? Float32Array.from(sum) : null
}

/** The matrix of one expert under all parts. */
function mergedExpert(
  parts: readonly ScaledAdapter[],
  name: string,
  n: number,
  weight: Float32Array,
): Float32Array {
  const deltas = parts.flatMap(({ adapter, scale }) =>
    (adapter.experts ?? []).flatMap((lora) =>
      lora.step === name ? [{ scale, delta: expertDelta(lora, n, 1) }] : [],
    ),
  )
  return weight.map((value, i) =>
    deltas.reduce((sum, { scale, delta }) => sum + scale * (delta[i] ?? 0), value),
  )
}

function refuseQuantised(runner: Runner): void {
  for (const { name, role } of runner.model.params) {
    if (role !== 'matrix') continue
    const { format } = runner.weights.view(name).matrix
    if (format.block === 1 && !format.grouped) continue
    throw new TokenscopeError(
      'unsupported',
      `Adapters cannot be merged into ${format.name} weights: quantising the sum would lose the change.`,
      {
        hint: 'Load the model as f32, f16 or bf16 to merge, or keep the adapter beside the quantised base.',
        details: { format: format.name },
      },
    )
  }
}

/** A tied head that an adapter changes apart from the embedding has no place of its own in the weights. */
function refuseSplitLmHead(model: ModelDescription, parts: readonly ScaledAdapter[]): void {
  const touches = ({ modules, replacements }: ParsedAdapter, name: string): boolean =>
    modules.some(({ step }) => step === name) ||
    replacements.some((entry) => entry.name === name && entry.origin === 'module')
  const split = parts.find(
    ({ adapter }) => model.tiedLmHead && (touches(adapter, 'logits') || touches(adapter, 'embed')),
  )
  if (!split) return
  throw new TokenscopeError(
    'unsupported',
    `"${split.adapter.name}" changes one end of a tied embedding and head; merged, both would change.`,
    {
      hint: 'Keep this adapter unmerged.',
      details: { adapter: split.adapter.name },
    },
  )
}

/**
 * Folds a conditions into the f32, f16 or bf16 weights on the GPU. `restore` puts back the very bytes that were there.
 * @throws `unsupported` for quantised weights and for one end of a tied embedding.
 */
export async function mergeIntoWeights(runner: Runner, parts: readonly ScaledAdapter[]): Promise<Merged> {
  refuseQuantised(runner)
  refuseSplitLmHead(runner.model, parts)
  const reader = new WeightReader(runner)
  const backups = new Map<LedgerBuffer, Backup>()
  const backUp = async (buffer: LedgerBuffer): Promise<void> => {
    if (!backups.has(buffer))
      backups.set(buffer, { buffer, bytes: await runner.read(buffer.gpu, 0, buffer.bytes) })
  }
  const restore = (): void => {
    for (const { buffer, bytes } of backups.values()) runner.device.queue.writeBuffer(buffer.gpu, 0, bytes)
  }
  try {
    for (const param of runner.model.params) {
      const merged = mergedWeight(parts, param.name, await reader.parameter(param))
      if (merged) await writeMerged(runner, param, merged, backUp)
    }
  } catch (error) {
    restore()
    throw error
  }
  return { parts, restore }
}

async function writeMerged(
  runner: Runner,
  { name, role }: ParamRef,
  values: Float32Array,
  backUp: (buffer: LedgerBuffer) => Promise<void>,
): Promise<void> {
  const { device, weights } = runner
  const owner = name.replace(/\.bias$/, '')
  if (role === 'vector') {
    const buffer = weights.vector(owner)
    await backUp(buffer)
    const at = owner === name ? 0 : Math.ceil(values.length / 4) * 16
    device.queue.writeBuffer(buffer.gpu, at, values as Float32Array<ArrayBuffer>)
    return
  }
  const view = weights.view(owner)
  for (const { buffer } of view.matrix.shards) await backUp(buffer)
  if (role === 'bias') return weights.writeBias(owner, values)
  await writeMatrix(view, values, runner)
}

/** A parameter's elements put back where its tensor has them: a slice of a fused one, turned when stored transposed. */
function placeInTensor(param: ParamRef, values: Float32Array, tensor: Float32Array, columns: number): void {
  const { shape, layout } = param
  const [out = values.length, inner = 1] = shape
  if (layout === 'out_in') {
    placeOutputs(param, values, tensor, shape.length === 2 ? inner : 1)
    return
  }
  for (let o = 0; o < out; o++) {
    const output = outputAt(param, o)
    // Turned matrices of experts follow each other.
    const at = Math.floor(output / columns) * inner * columns + (output % columns)
    for (let i = 0; i < inner; i++) tensor[at + i * columns] = values[o * inner + i] ?? 0
  }
}

/** Outputs of a parameter that each of its tensors holds. */
function outputsIn({ shape, more }: ParamRef): number {
  return (shape[0] ?? 1) / ((more?.length ?? 0) + 1)
}

/** Shape of a checkpoint tensor from the parameters cut from it. */
function tensorShape(parts: readonly ParamRef[]): number[] {
  const [first] = parts
  if (!first) return []
  const { experts = 1, runs } = first
  if (first.experts !== undefined && runs) {
    const each = [runs.stride, ...first.shape.slice(1)]
    return [experts, ...(first.layout === 'out_in' ? each : each.toReversed())]
  }
  const total = Math.max(...parts.map((param) => outputAt(param, outputsIn(param) - 1) + 1))
  const [, inner] = first.shape
  if (inner === undefined) return [total]
  return first.layout === 'out_in' ? [total, inner] : [inner, total]
}

/**
 * The model with a conditions folded in, as one safetensors file under the checkpoint's own names.
 * @throws `unsupported` for one end of a tied embedding.
 */
export async function exportMerged(
  runner: Runner,
  parts: readonly ScaledAdapter[],
  dtype: OutputTensor['dtype'],
): Promise<Uint8Array> {
  const { model } = runner
  refuseSplitLmHead(model, parts)
  const reader = new WeightReader(runner)
  const byTensor = new Map<string, ParamRef[]>()
  for (const param of model.params) {
    for (const tensor of [param.tensor, ...(param.more ?? [])])
      byTensor.set(tensor, [...(byTensor.get(tensor) ?? []), param])
  }
  const tensors: (OutputTensor & { values: Float32Array })[] = []
  for (const [name, members] of byTensor) {
    const shape = tensorShape(members)
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
    for (const member of members) {
      if (member.experts !== undefined && member.more && member.role === 'matrix') {
        const n = [member.tensor, ...member.more].indexOf(name)
        values.set(mergedExpert(parts, member.name, n, await reader.expert(member, n)))
        continue
      }
      const base = await reader.parameter(member)
      const all = mergedWeight(parts, member.name, base) ?? base
      const nth = [member.tensor, ...(member.more ?? [])].indexOf(name)
      const each = all.length / ((member.more?.length ?? 0) + 1)
      placeInTensor(member, all.subarray(nth * each, (nth + 1) * each), values, shape.at(-1) ?? 1)
    }
    tensors.push({ name, dtype, shape, values })
  }
  return writeSafetensors(tensors)
}
