import { createStore } from 'zustand/vanilla'
import { memoryLimit } from '../engine/fit.ts'
import { fromErrorData, invariant, toErrorData, type ErrorData } from '../errors.ts'
import type { KvFormatName } from '../api/load.ts'
import type { CallModels, FitOption, HubFind, SourceReport, StoredModel } from '../api/source.ts'
import { isOnHub } from './hubNames.ts'
import { keepLoads } from './loadChoices.ts'
import { checkOpen } from './origins.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'
import { readLocal, writeLocal } from './storage.ts'

/** Where models come from unless the address says otherwise. */
export const DEFAULT_HUB = 'https://huggingface.co'

const SPEED_KEY = 'tokenscope.speed.1'
/** A download shorter than this says nothing of the speed. */
const LEAST_MEASURED_MS = 1000

export type Search =
  | { kind: 'none' }
  | { kind: 'searching'; words: string }
  | { kind: 'found'; words: string; finds: readonly HubFind[] }
  | { kind: 'failed'; words: string; error: ErrorData }

export type Look =
  | { kind: 'none' }
  | { kind: 'looking'; source: string }
  | { kind: 'seen'; source: string; report: SourceReport }
  | { kind: 'failed'; source: string; error: ErrorData }

/** A download under way or just ended. */
export interface Fetching {
  readonly source: string
  readonly bytesDone: number
  readonly bytesTotal: number
  /** Bytes per second of this download; null before there is something to say. */
  readonly speed: number | null
  readonly error: ErrorData | null
}

/** What one kept model is being checked for. */
export interface Checking {
  readonly key: string
  readonly bytesDone: number
  readonly bytesTotal: number
  /** Blocks that were damaged and fetched again; null while reading. */
  readonly repaired: number | null
  readonly error: ErrorData | null
}

export interface Room {
  readonly usage: number
  readonly quota: number
  /** The browser has promised not to remove it by itself. */
  readonly persisted: boolean
}

export interface ModelsState {
  search: Search
  look: Look
  /** The way to load it that is chosen; null: the best that fits. */
  chosen: FitOption | null
  /** How it would keep keys and values. */
  kvCache: KvFormatName
  fetching: Fetching | null
  stored: readonly StoredModel[] | null
  room: Room | null
  checking: Checking | null
  hasToken: boolean
  /** Bytes per second of the last download on this machine. */
  lastSpeed: number | null
  /** What else there is for a base: adapters on the hub. */
  adapters: { base: string; finds: readonly HubFind[] } | null
}

/** Finding, judging, downloading and keeping models: what the Models view shows and does. */
export class Models {
  readonly state = createStore<ModelsState>()(() => ({
    search: { kind: 'none' },
    look: { kind: 'none' },
    chosen: null,
    kvCache: 'f32',
    fetching: null,
    stored: null,
    room: null,
    checking: null,
    hasToken: false,
    lastSpeed: readSpeed(),
    adapters: null,
  }))
  private readonly session: Session
  private looking: AbortController | null = null
  private download: AbortController | null = null

  constructor(session: Session) {
    this.session = session
  }

  private get call(): CallModels {
    const { models } = this.session
    invariant(models, 'the engine finds models')
    return models
  }

  /** A token for gated models: in memory until the page goes. */
  setToken(token: string): void {
    const { endpoint } = this.session.hub
    this.session.hub = { endpoint, ...(token === '' ? {} : { token }) }
    this.state.setState({ hasToken: token !== '' })
  }

  /** A name, a link or an address is looked at; other words are searched for. */
  async find(text: string): Promise<void> {
    const words = text.trim()
    if (words === '') return
    const isPlace = isOnHub(words) || /^(https?:|\.{0,2}\/)|\/$/i.test(words)
    await (isPlace ? this.look(words) : this.searchFor(words))
  }

  private async searchFor(words: string): Promise<void> {
    this.state.setState({ search: { kind: 'searching', words } })
    const isLatest = (): boolean => {
      const { search } = this.state.getState()
      return 'words' in search && search.words === words
    }
    try {
      const finds = await this.call('search', words, { hub: this.session.hub })
      if (isLatest()) this.state.setState({ search: { kind: 'found', words, finds } })
    } catch (error) {
      if (isLatest()) this.state.setState({ search: { kind: 'failed', words, error: toErrorData(error) } })
    }
  }

  /** Looks into a source; null when it failed, or when another was asked for meanwhile. `again`: what was seen stays on show till then. */
  async look(source: string, again = false): Promise<SourceReport | null> {
    this.looking?.abort()
    const controller = new AbortController()
    this.looking = controller
    if (!again) this.state.setState({ look: { kind: 'looking', source }, chosen: null })
    const isLatest = (): boolean => this.looking === controller
    try {
      const { signal } = controller
      checkOpen(source)
      // A worker does not see that a desktop's name is a tablet's.
      const limits = { memoryBytes: memoryLimit() }
      const { kvCache } = this.state.getState()
      const report = await this.call('inspect', source, { hub: this.session.hub, kvCache, limits, signal })
      if (!isLatest()) return null
      this.state.setState({ look: { kind: 'seen', source, report }, chosen: null })
      return report
    } catch (error) {
      if (isLatest()) this.state.setState({ look: { kind: 'failed', source, error: toErrorData(error) } })
      return null
    }
  }

  choose(option: FitOption): void {
    this.state.setState({ chosen: option })
  }

  /** Weighs what is looked at anew, with keys and values in another format. */
  async chooseKv(kvCache: KvFormatName): Promise<void> {
    this.state.setState({ kvCache })
    const { look } = this.state.getState()
    if (look.kind === 'seen') await this.look(look.source, true)
  }

  /** Downloads what is looked at and opens it. `downloads` false: reads it where it lies, and keeps nothing. */
  async open(downloads = true): Promise<void> {
    const { look, chosen } = this.state.getState()
    if (look.kind !== 'seen') return
    const { report } = look
    const source = report.source ?? look.source
    const option = chosen ?? report.fit.load
    const how = option && {
      weights: option.weights,
      contextLength: option.contextLength,
      kvCache: option.kvCache,
    }
    if (downloads && !(await this.fetch(source))) return
    if (how) keepLoads(source, how)
    const { hub } = this.session
    if (!downloads) this.session.hub = { ...hub, keep: false }
    try {
      await this.session.load(source, { label: report.id, id: source, how: how ?? undefined })
    } finally {
      this.session.hub = hub
    }
  }

  /** Downloads a model, or goes on with it; true once all of it is there. */
  async fetch(source: string): Promise<boolean> {
    this.download?.abort()
    const controller = new AbortController()
    this.download = controller
    const fetching = (part: Partial<Fetching>): void =>
      this.state.setState(({ fetching: previous }) => ({
        fetching: { source, bytesDone: 0, bytesTotal: 0, speed: null, error: null, ...previous, ...part },
      }))
    this.state.setState({ fetching: null })
    fetching({})
    const pace = new DownloadSpeed()
    try {
      await navigator.storage?.persist?.()
      await this.call('keep', source, {
        hub: this.session.hub,
        signal: controller.signal,
        onProgress: ({ bytesDone, bytesTotal }) => {
          if (this.download === controller) fetching({ bytesDone, bytesTotal, speed: pace.speed(bytesDone) })
        },
      })
      this.keepSpeed(pace)
      if (this.download === controller) this.state.setState({ fetching: null })
      return true
    } catch (error) {
      const data = toErrorData(error)
      if (this.download === controller)
        this.state.setState(({ fetching: previous }) => ({
          fetching: data.code === 'aborted' || previous === null ? null : { ...previous, error: data },
        }))
      return false
    } finally {
      if (this.download === controller) this.download = null
      await this.refresh()
    }
  }

  /** Stops the download; what has come stays. */
  cancel(): void {
    this.download?.abort()
  }

  dismiss(): void {
    this.state.setState({ fetching: null })
  }

  /** Opens a kept model. */
  async openStored({ source, label }: StoredModel): Promise<void> {
    const { openNamed } = await import('./arrival.ts')
    await openNamed(this.session, source, { label, id: source })
    await this.refresh()
  }

  /** Reads the storage list anew. */
  async refresh(): Promise<void> {
    if (!this.session.models) return
    try {
      this.state.setState({ stored: await this.call('stored'), room: await readRoom() })
    } catch (error) {
      this.session.report(error)
    }
  }

  /** Reads a kept model through and fetches again what is damaged. */
  async verify(key: string): Promise<void> {
    const checking = (part: Partial<Checking>): void =>
      this.state.setState(({ checking: previous }) => ({
        checking: { key, bytesDone: 0, bytesTotal: 0, repaired: null, error: null, ...previous, ...part },
      }))
    this.state.setState({ checking: null })
    try {
      const onBytes = (bytesDone: number, bytesTotal: number): void => checking({ bytesDone, bytesTotal })
      checking({ repaired: await this.call('verify', key, { hub: this.session.hub, onBytes }) })
    } catch (error) {
      checking({ error: toErrorData(error) })
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    try {
      for (const key of keys) await this.call('remove', key)
    } catch (error) {
      this.session.report(fromErrorData(toErrorData(error)))
    }
    await this.refresh()
  }

  /** Adapters of the hub that were made for a base. */
  async findAdapters(base: string): Promise<void> {
    try {
      const filter = [`base_model:adapter:${base}`]
      this.state.setState({
        adapters: { base, finds: await this.call('search', '', { hub: this.session.hub, filter }) },
      })
    } catch (error) {
      this.session.report(error)
    }
  }

  private keepSpeed(pace: DownloadSpeed): void {
    const lastSpeed = pace.overall()
    if (lastSpeed === null) return
    writeLocal(SPEED_KEY, lastSpeed)
    this.state.setState({ lastSpeed })
  }
}

/** Speed of a download, from its first report on: what was there before is not counted. */
class DownloadSpeed {
  private begin: { at: number; bytes: number } | null = null
  private last: { at: number; bytes: number } | null = null

  speed(bytes: number): number | null {
    const sample = { at: performance.now(), bytes }
    this.begin ??= sample
    this.last = sample
    return this.overall()
  }

  overall(): number | null {
    if (!this.begin || !this.last) return null
    const ms = this.last.at - this.begin.at
    return ms < LEAST_MEASURED_MS ? null : ((this.last.bytes - this.begin.bytes) * 1000) / ms
  }
}

/** What the last download on this machine came to; null before there was one. */
function readSpeed(): number | null {
  const saved = readLocal(SPEED_KEY)
  return typeof saved === 'number' && saved > 0 ? saved : null
}

async function readRoom(): Promise<Room | null> {
  const { storage } = navigator
  if (!storage?.estimate) return null
  const { usage = 0, quota = 0 } = await storage.estimate()
  return { usage, quota, persisted: await storage.persisted() }
}

export const modelsOf = perSession((session) => new Models(session))
