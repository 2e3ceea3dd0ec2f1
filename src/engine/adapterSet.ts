import type * as AdapterRules from './adapterRules.ts'
import type { PlacedAdapter } from '../adapters/adapterBuffers.ts'
import type { AdapterEffect, AdapterReport, ParsedAdapter } from '../adapters/types.ts'
import type { AdapterScale } from '../api/model.ts'
import { TokenscopeError } from '../errors.ts'
import { EDIT_SLOT, MAX_ADAPTERS } from '../program/batchLayout.ts'
import { BASE_CONDITIONS, type Conditions } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'

interface LoadedAdapter extends PlacedAdapter {
  readonly id: string
  scale: number
  /** Times that training has changed it: pages made before hold other keys and values. */
  version: number
  report: AdapterReport
  /** Adapters it cannot act with, by id, and the step that both change while one replaces all of it. */
  readonly apart: Map<string, string>
}

/** The adapters added to a model, with the scales people set. */
export class AdapterSet {
  private readonly loaded = new Map<string, LoadedAdapter>()
  private nextId = 1
  /** Names the scales folded into the weights, when there are any: it is then the base of every run. */
  merged: string | null = null
  /** Runs that train an adapter: the GPU may be ahead of what its arrays hold. */
  readonly learning = new Set<{ settle(): Promise<void> }>()
  /** Changes to the set take turns. */
  private turn: Promise<unknown> = Promise.resolve()
  private readonly runner: Runner
  /** What adapters may do together; read with the first, since one alone may do anything. */
  private rules: typeof AdapterRules | null = null

  constructor(runner: Runner) {
    this.runner = runner
  }

  /**
   * Puts a parsed adapter on the GPU and measures what it does, where that is asked. Beside one that acts and claims the same module it
   * is held at scale 0, as its report says.
   */
  add(
    parsed: ParsedAdapter,
    scale: number,
    measure?: (conditions: Conditions) => Promise<AdapterEffect>,
  ): Promise<{ id: string; report: AdapterReport }> {
    checkScale(scale)
    return this.change(async () => {
      const slot = this.freeSlot()
      const { claimedTwice, effectWarnings } = (this.rules ??= await import('./adapterRules.ts'))
      const apart = new Map<string, string>()
      for (const other of this.loaded.values()) {
        const step = claimedTwice(parsed, other.parsed, this.runner.model)
        if (step !== null) apart.set(other.id, step)
      }
      const id = `adapter-${this.nextId++}`
      const adapter: LoadedAdapter = { id, slot, parsed, scale, version: 0, report: parsed.report, apart }
      await this.place([...this.loaded.values(), adapter])
      this.loaded.set(id, adapter)
      for (const [other, step] of apart) this.get(other).apart.set(id, step)
      this.holdBack(adapter)
      const effect = await measure?.(this.conditionsOf([{ id: adapter.id, scale: 1 }]))
      if (effect)
        adapter.report = {
          ...adapter.report,
          effect,
          warnings: [...adapter.report.warnings, ...effectWarnings(effect)],
        }
      return { id: adapter.id, report: adapter.report }
    })
  }

  /** Makes these the adapters on the GPU. */
  place(adapters: readonly PlacedAdapter[]): Promise<void> {
    const { runner } = this
    const { executor, model, weights } = runner
    const context = { executor, model, weights, reader: new WeightReader(runner) }
    return runner.setAdapters(async () => {
      await this.settle()
      if (adapters.length === 0) return null
      const { AdapterBuffers } = await import('../adapters/adapterBuffers.ts')
      return AdapterBuffers.build(adapters, context)
    })
  }

  /** Brings the arrays of adapters in training up to date. */
  async settle(): Promise<void> {
    for (const run of this.learning) await run.settle()
  }

  /** Training has changed an adapter on the GPU. */
  changed(id: string): void {
    this.get(id).version += 1
  }

  slot(id: string): number {
    return this.get(id).slot
  }

  remove(id: string): Promise<void> {
    return this.change(async () => {
      const adapter = this.get(id)
      await this.place([...this.loaded.values()].filter((other) => other !== adapter))
      this.loaded.delete(id)
      for (const other of this.loaded.values()) other.apart.delete(id)
    })
  }

  /** @throws `unsupported` where it would act beside one that claims the same module. */
  setScale(id: string, scale: number): void {
    checkScale(scale)
    const adapter = this.get(id)
    if (scale !== 0)
      this.rules?.checkTogether([adapter, ...this.acting().filter((other) => other !== adapter)])
    adapter.scale = scale
  }

  private acting(): LoadedAdapter[] {
    return [...this.loaded.values()].filter(({ scale }) => scale !== 0)
  }

  /** A new adapter that would act beside one it cannot act with waits at scale 0. */
  private holdBack(adapter: LoadedAdapter): void {
    const other = this.acting().find(({ id }) => adapter.apart.has(id))
    if (adapter.scale === 0 || other === undefined) return
    adapter.scale = 0
    const heldOff = { step: adapter.apart.get(other.id) ?? '', by: other.parsed.name }
    adapter.report = { ...adapter.report, heldOff }
  }

  list(): readonly { id: string; name: string; scale: number; report: AdapterReport }[] {
    return [...this.loaded.values()].map(({ id, parsed, scale, report }) => ({
      id,
      name: parsed.name,
      scale,
      report,
    }))
  }

  parsed(id: string): ParsedAdapter {
    return this.get(id).parsed
  }

  /** The conditions asked for; omitted, all adapters at their set scales. */
  conditionsOf(asked: readonly AdapterScale[] | undefined): Conditions {
    if (this.merged !== null) {
      if (asked?.some(({ scale }) => scale !== 0)) {
        throw new TokenscopeError(
          'unsupported',
          'Adapters are merged into the weights and cannot be scaled again.',
          {
            hint: 'Unmerge them first.',
          },
        )
      }
      return { ...BASE_CONDITIONS, key: `merged:${this.merged}` }
    }
    const wanted = asked ?? [...this.loaded.values()].map(({ id, scale }) => ({ id, scale }))
    const scales = new Float32Array(EDIT_SLOT + 1)
    for (const { id, scale } of wanted) {
      checkScale(scale)
      scales[this.get(id).slot] = scale
    }
    const parts = [...this.loaded.values()].filter(({ slot }) => scales[slot] !== 0)
    this.rules?.checkTogether(parts)
    return {
      scales,
      key: parts.map(({ id, slot, version }) => `${id}.${version}@${scales[slot]}`).join('+'),
      edits: null,
    }
  }

  /** Runs a change of the set when its turn comes. */
  change<T>(work: () => Promise<T>): Promise<T> {
    if (this.merged !== null) {
      throw new TokenscopeError(
        'unsupported',
        'Adapters are merged into the weights, so none can come or go.',
        {
          hint: 'Unmerge them first.',
        },
      )
    }
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }

  /** @throws `unsupported` while adapters are folded into the weights, for `what`, which needs the base. */
  refuseMerged(what: string): void {
    if (this.merged === null) return
    throw new TokenscopeError(
      'unsupported',
      `${what} needs the base, and adapters are merged into the weights.`,
      { hint: 'Unmerge them first.' },
    )
  }

  private freeSlot(): number {
    const used = new Set([...this.loaded.values()].map(({ slot }) => slot))
    for (let slot = 0; slot < MAX_ADAPTERS; slot++) if (!used.has(slot)) return slot
    throw new TokenscopeError('limit', `${MAX_ADAPTERS} adapters are loaded, which is the most.`, {
      hint: 'Remove one first.',
      details: { loaded: this.loaded.size, max: MAX_ADAPTERS },
    })
  }

  private get(id: string): LoadedAdapter {
    const adapter = this.loaded.get(id)
    if (adapter) return adapter
    throw new TokenscopeError('bad-argument', `No adapter "${id}" is loaded.`, {
      hint: 'Ids are what addAdapter returned.',
      details: { id, loaded: [...this.loaded.keys()] },
    })
  }
}

function checkScale(scale: number): void {
  if (Number.isFinite(scale)) return
  throw new TokenscopeError('bad-argument', `An adapter scale is ${scale}; allowed is any finite number.`, {
    hint: 'Use a number; 0 is off and 1 is the adapter as trained.',
    details: { field: 'scale', got: String(scale) },
  })
}
