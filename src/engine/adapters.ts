import type { ScaledAdapter } from '../adapters/combine.ts'
import type { ParsedAdapter } from '../adapters/types.ts'
import { klDivergence, logSoftmax } from '../maths/distribution.ts'
import { TokenscopeError, invariant } from '../errors.ts'
import { openSource } from '../sources/open.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type {
  AdapterAnalysis,
  AdapterEffect,
  AdapterReport,
  AdapterScale,
  AddAdapterOptions,
  DirectionTokens,
  ExportOptions,
  HubOptions,
  ModelSource,
} from '../api/model.ts'
import type { WeightNorms } from './adapterAnalysis.ts'
import { BASE_CONDITIONS, type Conditions } from '../run/conditions.ts'
import { AdapterSet } from './adapterSet.ts'
import type { Merged } from './merge.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'

/** What an adapter's effect is measured on. */
const PROBE_TEXT = 'Once upon a time there was a little'
const PROBE_ROWS = 8

export interface EngineAdaptersParts {
  runner: Runner
  tokenizer: TextTokenizer | null
  /** Name the loaded model goes by. */
  modelId: string
  /** Where ids and relative addresses of adapters are resolved from. */
  modelsUrl: URL
  /** Where adapters named `owner/name` come from: as the model. */
  hub?: HubOptions | undefined
  /** Configuration and tokenizer of the checkpoint, by file name. */
  readCompanions: () => Promise<Map<string, Uint8Array>>
}

/** What a model can do with adapters. The code of what is rarely asked is read when it is. */
export class EngineAdapters {
  readonly set: AdapterSet
  private norms: WeightNorms | null = null
  private merged: Merged | null = null
  /** What the base says of the probe: the same whichever adapters are loaded, so read once. */
  private baseProbe: Promise<Float32Array> | null = null
  private readonly parts: EngineAdaptersParts

  constructor(parts: EngineAdaptersParts) {
    this.parts = parts
    this.set = new AdapterSet(parts.runner)
  }

  async add(
    source: ModelSource,
    { name, scale = 1 }: AddAdapterOptions,
  ): Promise<{ id: string; report: AdapterReport }> {
    const { runner, modelId, modelsUrl, hub } = this.parts
    const files = await openSource(source, { modelsUrl, hub })
    const { loadAdapter } = await import('../adapters/load.ts')
    const parsed = await loadAdapter(files, runner.model, { name, baseNames: [modelId] })
    return this.set.add(await this.withoutBaseCopies(parsed), scale, (conditions) =>
      this.measureEffect(conditions),
    )
  }

  /** PEFT stores the base's matrix beside an adapted embedding or head. It must be the loaded one, and is not kept twice. */
  private async withoutBaseCopies(parsed: ParsedAdapter): Promise<ParsedAdapter> {
    const { runner } = this.parts
    const reader = new WeightReader(runner)
    for (const { name, origin, values } of parsed.replacements) {
      if (origin !== 'base') continue
      const loaded = await reader.matrix(
        runner.weights.view(name === 'logits' && runner.model.tiedHead ? 'embed' : name),
      )
      let largest = 0
      let difference = 0
      values.forEach((value, i) => {
        largest = Math.max(largest, Math.abs(loaded[i] ?? 0))
        difference = Math.max(difference, Math.abs(value - (loaded[i] ?? 0)))
      })
      // A quantised base differs from its copy by up to half a step: 1/16 of the largest weight for q4_0.
      if (difference > largest / 12) throw otherBase(parsed.name, name, difference)
    }
    return { ...parsed, replacements: parsed.replacements.filter(({ origin }) => origin !== 'base') }
  }

  /** What a conditions changes on a short probe prompt, against the base. */
  private async measureEffect(conditions: Conditions): Promise<AdapterEffect> {
    const ids = await this.probeIds()
    const adapted = await this.probeLogits(ids, conditions)
    const base = await this.probeBase(ids)
    const { vocab } = this.parts.runner.model
    let maxDeltaLogit = 0
    let kl = 0
    for (let row = 0; row < ids.length; row++) {
      const [a, b] = [adapted, base].map((data) => data.subarray(row * vocab, (row + 1) * vocab))
      invariant(a && b, 'both runs have this row')
      a.forEach((logit, i) => (maxDeltaLogit = Math.max(maxDeltaLogit, Math.abs(logit - (b[i] ?? 0)))))
      kl += klDivergence(logSoftmax(a), logSoftmax(b))
    }
    return { maxDeltaLogit, meanKl: kl / ids.length }
  }

  private async probeBase(ids: readonly number[]): Promise<Float32Array> {
    this.baseProbe ??= this.probeLogits(ids, BASE_CONDITIONS)
    try {
      return await this.baseProbe
    } catch (error) {
      this.baseProbe = null
      throw error
    }
  }

  private async probeLogits(ids: readonly number[], conditions: Conditions): Promise<Float32Array> {
    const { traceSteps } = await import('../inspect/trace.ts')
    const logits = (await traceSteps(this.parts.runner, ids, ['logits'], conditions)).get('logits')
    invariant(logits, 'logits were probed')
    return logits.data
  }

  /** At most eight tokens, so that the kernels of small batches serve. */
  private async probeIds(): Promise<number[]> {
    const { tokenizer } = this.parts
    const text = tokenizer ? await tokenizer.encode(PROBE_TEXT) : []
    const ids =
      text.length > 0
        ? text
        : Array.from({ length: PROBE_ROWS }, (_, i) => (i * 7919 + 1) % this.parts.runner.model.vocab)
    return ids.slice(0, Math.min(PROBE_ROWS, this.parts.runner.context))
  }

  /** Compiles the kernels that adapters need, by laying out an empty one and dropping it again. */
  prepare(): Promise<void> {
    const { runner } = this.parts
    if (this.merged) return Promise.resolve()
    return this.set.change(async () => {
      if (this.set.list().length > 0) return
      const { emptyAdapter } = await import('../adapters/emptyAdapter.ts')
      await this.set.place([{ slot: 0, parsed: emptyAdapter(runner.model) }])
      await this.probeBase(await this.probeIds())
      await this.set.place([])
    })
  }

  async analyse(id: string): Promise<AdapterAnalysis> {
    this.refuseMerged('Analysing')
    await this.set.settle()
    const { analyseAdapter, WeightNorms } = await import('./adapterAnalysis.ts')
    this.norms ??= new WeightNorms(this.parts.runner)
    return analyseAdapter(this.set.parsed(id), this.norms)
  }

  async directions(id: string, step: string, k: number): Promise<DirectionTokens> {
    this.refuseMerged('Analysing')
    await this.set.settle()
    const { directionTokens } = await import('./adapterAnalysis.ts')
    return directionTokens(this.parts.runner, this.set.parsed(id), step, k)
  }

  async similarity(first: string, second: string): Promise<{ step: string; cosine: number | null }[]> {
    await this.set.settle()
    const { adapterSimilarity } = await import('./adapterAnalysis.ts')
    return adapterSimilarity(this.set.parsed(first), this.set.parsed(second))
  }

  private scaledAdapters(scales: readonly AdapterScale[]): ScaledAdapter[] {
    return scales.map(({ id, scale }) => ({ adapter: this.set.parsed(id), scale }))
  }

  async merge(scales: readonly AdapterScale[]): Promise<void> {
    this.refuseMerged('Merging')
    await this.set.settle()
    const { mergeIntoWeights } = await import('./merge.ts')
    this.merged = await mergeIntoWeights(this.parts.runner, this.scaledAdapters(scales))
    this.set.merged = scales.map(({ id, scale }) => `${id}@${scale}`).join('+')
  }

  unmerge(): void {
    this.merged?.restore()
    this.merged = null
    this.set.merged = null
  }

  async export(
    scales: readonly AdapterScale[],
    { format = 'peft', dtype = 'F32' }: ExportOptions,
  ): Promise<Map<string, Uint8Array>> {
    this.refuseMerged('Exporting')
    await this.set.settle()
    const parts = this.scaledAdapters(scales)
    if (format === 'peft') {
      const { combineAdapters } = await import('../adapters/combine.ts')
      return combineAdapters(parts, { baseModel: this.parts.modelId, dtype })
    }
    if (format === 'gguf') {
      const { exportGguf } = await import('../adapters/gguf.ts')
      return exportGguf(parts, this.parts.runner.model, dtype)
    }
    const { exportMerged } = await import('./merge.ts')
    const { runner, readCompanions } = this.parts
    const weights = await exportMerged(runner, parts, dtype)
    return new Map([...(await readCompanions()), ['model.safetensors', weights]])
  }

  refuseMerged(what: string): void {
    if (!this.merged) return
    throw new TokenscopeError(
      'unsupported',
      `${what} needs the base, and adapters are merged into the weights.`,
      {
        hint: 'Unmerge them first.',
      },
    )
  }
}

function otherBase(adapter: string, name: string, difference: number): TokenscopeError {
  return new TokenscopeError(
    'unsupported',
    `The adapter "${adapter}" carries another ${name} matrix than the loaded model's.`,
    {
      hint: 'It was trained on another base. Load that base, or an adapter without its own copy of the matrix.',
      details: { adapter, name, difference },
    },
  )
}
