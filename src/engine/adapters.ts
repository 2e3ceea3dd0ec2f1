import type { ScaledAdapter } from '../adapters/combine.ts'
import { openSource } from '../sources/open.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type {
  AdapterAnalysis,
  AdapterReport,
  AdapterScale,
  AddAdapterOptions,
  DirectionTokens,
  ExportOptions,
  HubOptions,
  ModelSource,
} from '../api/model.ts'
import type { WeightNorms } from './adapterAnalysis.ts'
import type { EffectProbe } from './adapterEffect.ts'
import type { AdapterSet } from './adapterSet.ts'
import type { Merged } from './merge.ts'
import type { Runner } from '../run/runner.ts'

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

/** What is done with adapters beyond scaling and removing them; read with the first that is added. */
export class EngineAdapters {
  private readonly set: AdapterSet
  private norms: WeightNorms | null = null
  private merged: Merged | null = null
  private effects: EffectProbe | null = null
  private readonly parts: EngineAdaptersParts

  constructor(parts: EngineAdaptersParts, set: AdapterSet) {
    this.parts = parts
    this.set = set
  }

  async add(
    source: ModelSource,
    { name, scale = 1 }: AddAdapterOptions,
  ): Promise<{ id: string; report: AdapterReport }> {
    const { runner, modelId, modelsUrl, hub } = this.parts
    const files = await openSource(source, { modelsUrl, hub })
    const { loadAdapter } = await import('../adapters/load.ts')
    const parsed = await loadAdapter(files, runner.model, { name, baseNames: [modelId] })
    const { withoutBaseCopies } = await import('./baseCopies.ts')
    const effects = await this.probe()
    return this.set.add(await withoutBaseCopies(parsed, runner), scale, (conditions) =>
      effects.measure(conditions),
    )
  }

  private async probe(): Promise<EffectProbe> {
    const { EffectProbe: Probe } = await import('./adapterEffect.ts')
    this.effects ??= new Probe(this.parts.runner, this.parts.tokenizer)
    return this.effects
  }

  /** Compiles the kernels that adapters need, by laying out an empty one and dropping it again. */
  prepare(): Promise<void> {
    const { runner } = this.parts
    if (this.merged) return Promise.resolve()
    return this.set.change(async () => {
      if (this.set.list().length > 0) return
      const { emptyAdapter } = await import('../adapters/emptyAdapter.ts')
      await this.set.place([{ slot: 0, parsed: emptyAdapter(runner.model) }])
      await (await this.probe()).readBase()
      await this.set.place([])
    })
  }

  async analyse(id: string): Promise<AdapterAnalysis> {
    this.set.refuseMerged('Analysing')
    await this.set.settle()
    const { analyseAdapter, WeightNorms } = await import('./adapterAnalysis.ts')
    this.norms ??= new WeightNorms(this.parts.runner)
    return analyseAdapter(this.set.parsed(id), this.norms)
  }

  async directions(id: string, step: string, k: number): Promise<DirectionTokens> {
    this.set.refuseMerged('Analysing')
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
    this.set.refuseMerged('Merging')
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
    this.set.refuseMerged('Exporting')
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
}
