import { invariant } from '../errors.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { tooLarge, type LedgerBuffer } from '../gpu/ledger.ts'
import { NO_BIAS, type AdapterStack, type EmbedLora, type MatrixView } from '../ops/operands.ts'
import { MAX_ADAPTERS } from '../program/batchLayout.ts'
import { replacedParam } from '../program/changes.ts'
import { stacksOf, type Stack } from '../program/stacks.ts'
import type { ParamRef, Step } from '../program/step.ts'
import type { BoundAdapters } from '../run/changes.ts'
import type { Executor } from '../run/executor.ts'
import { FORMATS } from '../weights/formats/index.ts'
import { planeLayout } from '../weights/formats/layout.ts'
import type { WeightReader } from '../weights/reader.ts'
import type { StoredView, WeightStore } from '../weights/store.ts'
import { adaptedWeight, doraScaleOf } from './dense.ts'
import { packParts, packStackedA, type DoraScale, type StackPart, type PlacedModule } from './packAdapters.ts'
import type { ParsedAdapter, Replacement } from './types.ts'
import { stepOf, wantsDenseEmbedding } from './claims.ts'

/** An adapter with its place among the per-row scales. */
export interface PlacedAdapter {
  readonly slot: number
  readonly parsed: ParsedAdapter
}

/** True for parts whose ranks come of the same A's. */
const haveOneA = (a: StackPart, b: StackPart): boolean =>
  a.modules.length > 0 &&
  a.modules.length === b.modules.length &&
  a.modules.every(({ module }, i) => module.a === b.modules[i]?.module.a)

/** The adapters of a model on the GPU, laid out anew whenever one comes or goes. */
export class AdapterBuffers implements BoundAdapters {
  private readonly stacks = new Map<string, AdapterStack>()
  private readonly matrices = new Map<string, MatrixView>()
  private readonly vectors = new Map<string, LedgerBuffer>()
  /** Slots of the adapters that replace the module of a step, in the order of their blends. */
  private readonly replacing = new Map<string, number[]>()
  private readonly buffers: LedgerBuffer[] = []
  private embedding: EmbedLora | null = null
  private expertSteps: ((step: Step) => Step[] | undefined) | null = null
  readonly adapters: readonly PlacedAdapter[]
  private readonly model: ModelDescription
  private readonly executor: Executor
  private readonly weights: WeightStore
  private readonly reader: WeightReader

  private constructor(adapters: readonly PlacedAdapter[], context: AdapterContext) {
    this.adapters = adapters
    this.model = context.model
    this.executor = context.executor
    this.weights = context.weights
    this.reader = context.reader
  }

  /** Lays out these adapters together, also those that must not act on one row together: their scales see to that. */
  static async build(adapters: readonly PlacedAdapter[], context: AdapterContext): Promise<AdapterBuffers> {
    invariant(adapters.length <= MAX_ADAPTERS, 'adapters fit their slots')
    const buffers = new AdapterBuffers(adapters, context)
    try {
      const program = context.model.record({ rows: 1, logitRows: 1, positions: 1 })
      for (const stack of stacksOf(program)) await buffers.packStack(stack)
      buffers.packEmbedding()
      if (adapters.some(({ parsed }) => parsed.experts !== undefined)) await buffers.layExperts()
      for (const adapter of adapters) {
        if (wantsDenseEmbedding(adapter.parsed)) await buffers.packDenseEmbedding(adapter)
        for (const replacement of adapter.parsed.replacements) await buffers.replace(adapter, replacement)
      }
      return buffers
    } catch (error) {
      buffers.dispose()
      throw error
    }
  }

  ranks(stack: string): number {
    if (stack === 'embed') return this.embedding?.ranks ?? 0
    return this.stacks.get(stack)?.ranks ?? 0
  }

  onExperts(step: Step): Step[] | undefined {
    return this.expertSteps?.(step)
  }

  replacers(step: string): number {
    return this.replacing.get(step)?.length ?? 0
  }

  adapterStack(name: string): AdapterStack {
    const stack = this.stacks.get(name)
    invariant(stack, `adapters on ${name}`)
    return stack
  }

  embedLora(): EmbedLora {
    invariant(this.embedding, 'adapters on the embedding')
    return this.embedding
  }

  replacedBy(step: string, nth: number): number {
    const slot = this.replacing.get(step)?.[nth]
    invariant(slot !== undefined, `${step} is replaced`)
    return slot
  }

  matrix(name: string): MatrixView | undefined {
    return this.matrices.get(name)
  }

  vector(name: string): LedgerBuffer | undefined {
    return this.vectors.get(name)
  }

  dispose(): void {
    for (const buffer of this.buffers.splice(0)) this.executor.ledger.destroy(buffer)
  }

  /** A parameter of the base; a tied head has none of its own. */
  private param(name: string): ParamRef | undefined {
    return this.model.params.find((param) => param.name === name)
  }

  private modulesOn(step: string): PlacedModule[] {
    return this.adapters.flatMap(({ slot, parsed }) =>
      parsed.modules.filter((module) => module.step === step).map((module) => ({ slot, module })),
    )
  }

  /** Biases that adapters have trained for a product, less the base's own. */
  private async biasesOf(step: string, view: StoredView): Promise<NonNullable<StackPart['bias']>[]> {
    const slotBiases = this.adapters.flatMap(({ slot, parsed: { replacements } }) => {
      const trained = replacements.find(({ name }) => name === `${step}.bias`)
      // A whole replacement has its bias in itself.
      const isWhole = replacements.some(({ name, origin }) => name === step && origin === 'module')
      return trained === undefined || isWhole ? [] : [{ slot, values: trained.values }]
    })
    if (slotBiases.length === 0) return []
    const base = await this.reader.bias(view)
    return slotBiases.map(({ slot, values }) => ({
      slot,
      delta: values.map((value, i) => value - (base?.[i] ?? 0)),
    }))
  }

  /** The adapters on one product: plain ones are one part, each DoRA has its own, and so has each bias beyond the first. */
  private async partsOf(step: string, view: StoredView): Promise<StackPart[]> {
    const biases = await this.biasesOf(step, view)
    const takeBias = (slot?: number): StackPart['bias'] => {
      const at = biases.findIndex((bias) => slot === undefined || bias.slot === slot)
      return at < 0 ? null : (biases.splice(at, 1)[0] ?? null)
    }
    const part = (modules: PlacedModule[], bias: StackPart['bias']): StackPart => ({
      step,
      view,
      modules,
      firstRank: 0,
      bias,
    })
    const modules = this.modulesOn(step)
    const plain = modules.filter(({ module }) => !module.magnitude)
    const doraParts = modules
      .filter(({ module }) => module.magnitude)
      .map((one) => part([one], takeBias(one.slot)))
    const first = plain.length > 0 ? [part(plain, takeBias())] : []
    return [...first, ...doraParts, ...biases.map((bias) => part([], bias))]
  }

  private async packStack({ name, members }: Stack): Promise<void> {
    const parts: StackPart[] = []
    for (const { name: step, attrs } of members)
      parts.push(...(await this.partsOf(step, this.weights.view(attrs.matrix))))
    if (parts.length === 0) return
    const stacked: PlacedModule[] = []
    let ranks = 0
    for (const [at, part] of parts.entries()) {
      // Parts cut from one tensor (GPT-2's c_attn) share their A: it is multiplied once.
      const sameA = parts.slice(0, at).find((other) => haveOneA(other, part))
      part.firstRank = sameA?.firstRank ?? ranks
      if (sameA !== undefined) continue
      stacked.push(...part.modules)
      ranks += part.modules.reduce((sum, { module }) => sum + module.rank, 0)
    }
    const a = this.packA(name, stacked, Math.max(1, ranks), parts[0]?.view.matrix.cols ?? 0)
    const lora = await this.packOutputs(name, parts, a.matrix.rows)
    this.stacks.set(name, { parts, a, ranks: a.matrix.rows, lora })
  }

  private create(label: string, words: Uint32Array<ArrayBuffer>): LedgerBuffer {
    const buffer = this.executor.ledger.create(
      `adapters:${label}`,
      words.byteLength,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    )
    this.executor.device.queue.writeBuffer(buffer.gpu, 0, words)
    this.buffers.push(buffer)
    return buffer
  }

  private packA(name: string, modules: readonly PlacedModule[], ranks: number, cols: number): MatrixView {
    const { words, layout } = packStackedA(modules, ranks, cols)
    const buffer = this.create(`${name}.a`, words)
    const shard = { buffer, begin: 0, end: ranks, layout, biasWord: NO_BIAS }
    const matrix = { name: `${name}.a`, format: FORMATS.f32, rows: ranks, cols, shards: [shard] }
    return { matrix, begin: 0, end: ranks, output: 0 }
  }

  private async packOutputs(name: string, parts: readonly StackPart[], ranks: number): Promise<GPUBuffer> {
    const doraScales = await Promise.all(parts.map((part) => this.doraScaleOf(part)))
    return this.create(`${name}.lora`, packParts(parts, doraScales, ranks)).gpu
  }

  private async doraScaleOf({ modules, view }: StackPart): Promise<DoraScale | null> {
    const dora = modules.find(({ module }) => module.magnitude)
    if (!dora) return null
    return { slot: dora.slot, values: doraScaleOf(dora.module, await this.reader.matrix(view)) }
  }

  /** Low-rank additions to the embedding that need nothing else of it. */
  private packEmbedding(): void {
    const modules = this.adapters
      .filter(({ parsed }) => !wantsDenseEmbedding(parsed))
      .flatMap(({ slot, parsed }) =>
        parsed.modules.filter(({ step }) => step === 'embed').map((module) => ({ slot, module })),
      )
    if (modules.length === 0) return
    const { vocab, hidden } = this.model
    const ranks = modules.reduce((sum, { module }) => sum + module.rank, 0)
    const bWord = vocab * ranks
    const tableWord = bWord + hidden * ranks
    const words = new Uint32Array(tableWord + 2 * ranks)
    const floats = new Float32Array(words.buffer)
    let column = 0
    for (const { slot, module } of modules) {
      for (let r = 0; r < module.rank; r++, column++) {
        for (let token = 0; token < vocab; token++)
          floats[token * ranks + column] = module.a[r * vocab + token] ?? 0
        for (let h = 0; h < hidden; h++)
          floats[bWord + h * ranks + column] = module.b[h * module.rank + r] ?? 0
        words[tableWord + 2 * column] = slot
        floats[tableWord + 2 * column + 1] = module.scaling
      }
    }
    this.embedding = { buffer: this.create('embed', words).gpu, ranks, bWord, tableWord }
  }

  private async layExperts(): Promise<void> {
    const { stackExperts, stepsOnExperts } = await import('./expertLayout.ts')
    const stacks = stackExperts(this.adapters)
    const { largestBinding } = this.executor.ledger
    for (const { vector, words } of stacks.values()) {
      if (words.byteLength > largestBinding)
        throw tooLarge(`the ranks of ${vector}`, words.byteLength, largestBinding)
      this.vectors.set(vector, this.create(vector, new Uint32Array(words.buffer)))
    }
    this.expertSteps = (step) => {
      const stack = stacks.get(step.name)
      return stack && stepsOnExperts(step, stack)
    }
  }

  /** The embedding as this adapter has it, whole: a table of its own, blended with the base's. */
  private async packDenseEmbedding({ slot, parsed }: PlacedAdapter): Promise<void> {
    const embed = await this.reader.matrix(this.weights.view('embed'))
    const table = Float32Array.from(adaptedWeight(parsed, 'embed', embed) ?? embed)
    const nth = this.takePlace('embed', slot)
    const replaced = replacedParam('embed', nth)
    this.matrices.set(replaced, this.packDense(replaced, table, this.model.hidden, null))
    for (const name of ['positions', 'token_types']) {
      const learned = this.param(name)
      if (!learned) continue
      const base = await this.reader.parameter(learned)
      const values = Float32Array.from(adaptedWeight(parsed, name, base) ?? base)
      const param = replacedParam(name, nth)
      this.vectors.set(param, this.create(param, new Uint32Array(values.buffer)))
    }
  }

  /** Puts a replacement beside the base's own parameter. */
  private async replace({ slot, parsed }: PlacedAdapter, replacement: Replacement): Promise<void> {
    const { name, values } = replacement
    const step = stepOf(name)
    if (step === 'positions' || step === 'embed') return
    if (this.param(step)?.role === 'vector') return this.replaceNorm(slot, step, parsed)
    if (name.endsWith('.bias')) return
    const view = this.weights.view(this.param(step) ? step : 'embed')
    const trained = parsed.replacements.find((other) => other.name === `${step}.bias`)
    const bias = trained?.values ?? (await this.reader.bias(view))
    const param = replacedParam(step, this.takePlace(step, slot))
    this.matrices.set(param, this.packDense(param, values, view.matrix.cols, bias))
  }

  /** Which of the replacements of a step the next one is. */
  private takePlace(step: string, slot: number): number {
    const slots = this.replacing.get(step) ?? []
    this.replacing.set(step, [...slots, slot])
    return slots.length
  }

  private packDense(name: string, values: Float32Array, cols: number, bias: Float32Array | null): MatrixView {
    const rows = values.length / cols
    const layout = planeLayout(FORMATS.f32, rows, cols)
    const biasWord = layout.bytes / 4
    const words = new Uint32Array(biasWord + (bias ? Math.ceil(rows / 4) * 4 : 0))
    const floats = new Float32Array(words.buffer)
    for (let row = 0; row < rows; row++) {
      floats.set(values.subarray(row * cols, (row + 1) * cols), row * layout.stride * 4)
    }
    if (bias) floats.set(bias, biasWord)
    const buffer = this.create(name, words)
    const shard = { buffer, begin: 0, end: rows, layout, biasWord: bias ? biasWord : NO_BIAS }
    const matrix = { name, format: FORMATS.f32, rows, cols, shards: [shard] }
    return { matrix, begin: 0, end: rows, output: 0 }
  }

  private async replaceNorm(slot: number, step: string, parsed: ParsedAdapter): Promise<void> {
    if (this.replacing.get(step)?.includes(slot)) return
    const params = [this.param(step), this.param(`${step}.bias`)].filter((param) => param !== undefined)
    const parts = await Promise.all(
      params.map(async (param) => {
        const trained = parsed.replacements.find((other) => other.name === param.name)
        return trained?.values ?? (await this.reader.parameter(param))
      }),
    )
    const padded = Math.ceil((parts[0]?.length ?? 0) / 4) * 4
    const floats = new Float32Array(padded * parts.length)
    parts.forEach((part, i) => floats.set(part, i * padded))
    const param = replacedParam(step, this.takePlace(step, slot))
    this.vectors.set(param, this.create(param, new Uint32Array(floats.buffer)))
  }
}

export interface AdapterContext {
  model: ModelDescription
  executor: Executor
  weights: WeightStore
  reader: WeightReader
}
