import { createStore } from 'zustand/vanilla'
import { toErrorData } from '../errors.ts'
import type { Model, ModelSource } from '../api/model.ts'
import { identify } from '../engine/identify.ts'
import { arrangementOf, bringBack, carryOver, type Arrangement } from './adapterArrangement.ts'
import { nameOfFiles, packExport, type PackedFile } from './adapterFiles.ts'
import { formatAdapters, missingAdapters, parseAdapters, type LinkedTrack } from './adapterLink.ts'
import { readTracks, writeTracks, type SavedTrack } from './adapterMemory.ts'
import { freeName, scalesOf, sendScales, type NamedScale, type Track } from './adapterScales.ts'
import { NO_ADAPTERS, type Absent, type AdaptersState, type Addition } from './adapterState.ts'
import { TextScales } from './adapterText.ts'
import { isRunning } from './app.ts'
import type { AdapterEntry } from './catalogue.ts'
import { linkPartChanged, registerLinkPart } from './linkParts.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'

/** The adapters on the page's model: loads them, scales them, remembers them. */
export class Adapters {
  readonly state = createStore<AdaptersState>()(() => ({ ...NO_ADAPTERS }))
  readonly text: TextScales
  /** Hears what a person has changed: a key of the catalogue, the row and field of a number, and how things stood before. */
  onChange: (label: string, field: string, before: Arrangement) => void = () => undefined
  private readonly session: Session
  private model: Model | null = null
  /** Sources of this visit by track name, so that dropped files survive a change of model. */
  readonly sources = new Map<string, ModelSource>()
  /** Adapters on their way in. */
  private readonly loading = new Set<Promise<unknown>>()
  private remembered: readonly SavedTrack[] | null = readTracks()
  /** Rows of before that are still to be loaded: a page that is left meanwhile has them when it comes back. */
  private coming: readonly SavedTrack[] = []
  /** What the page's link says of adapters, until a model is there to carry them. */
  private linked: string | null = null

  constructor(session: Session) {
    this.session = session
    this.text = new TextScales(session, () => this.scales)
    registerLinkPart('adapters', { read: () => this.readLink(), write: (text) => this.writeLink(text) })
    session.underWay = () => (this.loading.size === 0 ? null : this.settled())
    session.app.subscribe(() => this.followModel())
    this.followModel()
  }

  /** What acts now. */
  get scales(): readonly NamedScale[] {
    const { tracks, solo, merged } = this.state.getState()
    return merged ?? scalesOf(tracks, solo)
  }

  /** The rows as they stand, to be brought back by {@link arrange}. */
  get arrangement(): Arrangement {
    return arrangementOf(this.state.getState(), (track) => this.sourceOf(track))
  }

  /** Takes dropped or chosen files if they are an adapter's and a model is there to carry it. */
  async offer(files: readonly File[], name: string | null = null): Promise<boolean> {
    if (this.session.model === null || (await identify(files)) !== 'adapter') return false
    await this.add({ source: files, origin: { kind: 'files' }, name: name ?? nameOfFiles(files) })
    return true
  }

  addListed(entry: AdapterEntry): Promise<boolean> {
    return this.add({ source: entry.id, origin: { kind: 'listed', id: entry.id }, name: entry.name })
  }

  addAddress(address: string): Promise<boolean> {
    const name = address.replace(/\/+$/, '').split('/').at(-1) ?? address
    return this.add({ source: address, origin: { kind: 'address', address }, name })
  }

  /** Files chosen by hand: always an adapter, so that what is wrong with them is said. */
  addFiles(files: readonly File[]): Promise<boolean> {
    return this.add({ source: files, origin: { kind: 'files' }, name: nameOfFiles(files) })
  }

  /** Compiles what adapters need while nothing else happens. */
  prepare(): void {
    const { model } = this.session
    const { tracks, merged, pending } = this.state.getState()
    if (model === null || isRunning(this.session.app.getState().run)) return
    if (tracks.length > 0 || pending.length > 0 || merged !== null) return
    model.prepareAdapters().catch((error: unknown) => this.session.report(error))
  }

  setScale(id: string, scale: number): void {
    if (!Number.isFinite(scale)) return
    const before = this.arrangement
    this.change(id, { scale })
    this.onChange('adapters.did.scale', `scale ${id}`, before)
  }

  setEnabled(id: string, enabled: boolean): void {
    const before = this.arrangement
    this.change(id, { enabled })
    this.onChange('adapters.did.switch', '', before)
  }

  setSolo(solo: string | null): void {
    const before = this.arrangement
    this.state.setState({ solo })
    this.apply()
    this.onChange('adapters.did.switch', '', before)
  }

  select(id: string): void {
    this.state.setState({ selected: id })
  }

  /** Puts a row at another place; the order is the reader's, the sum has none. */
  move(id: string, to: number): void {
    const { tracks } = this.state.getState()
    const track = tracks.find((one) => one.id === id)
    if (track === undefined) return
    const others = tracks.filter((one) => one !== track)
    const place = Math.max(0, Math.min(others.length, to))
    this.state.setState({ tracks: [...others.slice(0, place), track, ...others.slice(place)] })
    this.keep()
  }

  async remove(id: string): Promise<void> {
    const before = this.arrangement
    if (await this.waitFor(this.drop(id))) this.onChange('adapters.did.remove', '', before)
  }

  /** Brings back rows as they stood: those that are still there are moved, the others loaded or removed. */
  arrange(wanted: Arrangement): Promise<void> {
    const drop = (id: string) => this.drop(id)
    const add = (addition: Addition) => this.addTo(addition)
    const sourceOf = (track: SavedTrack) => this.sourceOf(track)
    return this.waitFor(
      bringBack(wanted, { state: this.state, sourceOf, add, drop }).then(() => this.apply()),
    )
  }

  /** Takes a row away at once, then its adapter; false when it is on its way out already, or the engine could not. */
  private async drop(id: string): Promise<boolean> {
    const { model } = this
    const track = this.find(id)
    if (model === null || track === undefined) return false
    const { tracks, solo, selected } = this.state.getState()
    const left = tracks.filter((one) => one.id !== id)
    this.state.setState({
      tracks: left,
      solo: solo === id ? null : solo,
      selected: selected === id ? (left[0]?.id ?? null) : selected,
    })
    try {
      await model.removeAdapter(id)
    } catch (error) {
      if (model === this.model) this.state.setState((state) => ({ tracks: [...state.tracks, track] }))
      this.session.report(error)
      return false
    }
    this.sources.delete(track.name)
    this.apply()
    return true
  }

  /** Tries an absent adapter once more on the model that is there now. */
  async retry(absent: Absent): Promise<void> {
    const source = this.sourceOf(absent)
    if (source === null) return
    this.forget(absent)
    await this.add({ ...absent, source })
  }

  forget(absent: Absent): void {
    this.state.setState(({ absent: list }) => ({ absent: list.filter((one) => one !== absent) }))
    this.keep()
  }

  /** Folds what acts into the weights. */
  merge(): Promise<void> {
    const { scales } = this
    return this.work('merge', async (model) => {
      await model.mergeAdapters(scales)
      this.state.setState({ merged: scales })
    })
  }

  unmerge(): Promise<void> {
    return this.work('unmerge', async (model) => {
      await model.unmergeAdapters()
      this.state.setState({ merged: null })
      this.apply()
    })
  }

  /** All at their scales as files to keep: one adapter for PEFT or for llama.cpp, or the model with them folded in. */
  async export(format: 'peft' | 'gguf' | 'merged'): Promise<PackedFile | null> {
    let packed: PackedFile | null = null
    await this.work('export', async (model) => {
      packed = await packExport(model, this.scales, format)
    })
    return packed
  }

  /** A row for an adapter that the model holds. `source`: what it is made from again on another model; null: nothing yet. */
  put(track: Track, source: ModelSource | null): void {
    const { id, name } = track
    if (source !== null) this.sources.set(name, source)
    this.state.setState(({ tracks, absent }) => ({
      tracks: [...tracks, track],
      selected: id,
      // A row of the same name that waited for its files is back.
      absent: absent.filter((one) => one.name !== name || one.origin.kind !== 'files'),
    }))
    this.acted()
  }

  /** The rows, with those behind them that are still to come. */
  private get rows(): LinkedTrack[] {
    const { tracks, absent } = this.state.getState()
    const here = [...tracks, ...absent].map(({ name }) => name)
    return [...tracks, ...this.coming.filter(({ name }) => !here.includes(name))]
  }

  private find(id: string): Track | undefined {
    return this.state.getState().tracks.find((track) => track.id === id)
  }

  private async work(kind: 'merge' | 'unmerge' | 'export', run: (model: Model) => Promise<void>) {
    const { model } = this
    if (model === null || this.state.getState().working !== null) return
    this.state.setState({ working: kind })
    try {
      await run(model)
    } catch (error) {
      this.session.report(error)
    } finally {
      this.state.setState({ working: null })
    }
  }

  private change(id: string, part: Partial<Pick<Track, 'scale' | 'enabled'>>): void {
    this.edit(id, part)
    this.apply()
  }

  private edit(id: string, part: Partial<Pick<Track, 'scale' | 'enabled'>>): void {
    this.state.setState(({ tracks }) => ({
      tracks: tracks.map((track) => (track.id === id ? { ...track, ...part } : track)),
    }))
    this.acted()
  }

  /** Tells the engine every row's acting scale, and the text that it was written under others. */
  private apply(): void {
    const { model } = this
    if (model !== null)
      void sendScales(model, this.state.getState(), ({ id, name }, error) => {
        if (model !== this.model) return
        // What cannot act beside the others is not shown as if it did.
        if (toErrorData(error).code === 'unsupported') this.edit(id, { enabled: false })
        this.session.report(error, { what: 'acting', name })
      })
    this.acted()
  }

  private acted(): void {
    this.text.scalesChanged()
    this.keep()
  }

  private keep(): void {
    writeTracks([...this.rows, ...this.state.getState().absent])
    linkPartChanged()
  }

  /** Resolves once no adapter is being loaded any more. */
  private async settled(): Promise<void> {
    while (this.loading.size > 0) await Promise.all(this.loading)
  }

  private waitFor<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(
      () => this.loading.delete(settled),
      () => this.loading.delete(settled),
    )
    this.loading.add(settled)
    return work
  }

  private async add(addition: Addition): Promise<boolean> {
    const before = this.arrangement
    try {
      await this.waitFor(this.addTo(addition))
      this.onChange('adapters.did.add', '', before)
      return true
    } catch (error) {
      this.session.report(error, { what: 'adapter', name: addition.name ?? '' })
      return false
    }
  }

  private async addTo({ source, origin, name: asked, scale = 1, enabled = true }: Addition): Promise<void> {
    const { model } = this
    if (model === null) return
    const { tracks, pending, solo } = this.state.getState()
    const name = freeName(asked ?? 'adapter', [...tracks.map((track) => track.name), ...pending])
    this.state.setState({ pending: [...pending, name] })
    try {
      const acting = enabled && solo === null ? scale : 0
      const { id, report } = await model.addAdapter(source, { name, scale: acting })
      if (model !== this.model) return
      const acts = enabled && report.heldOff === undefined
      this.put({ id, name, scale, enabled: acts, origin, report }, source)
    } finally {
      this.state.setState((state) => ({ pending: state.pending.filter((one) => one !== name) }))
    }
  }

  private sourceOf({ name, origin }: SavedTrack): ModelSource | null {
    switch (origin.kind) {
      case 'listed':
        return origin.id
      case 'address':
        return origin.address
      case 'files':
        return this.sources.get(name) ?? null
    }
  }

  /** Another model: the rows of the one before are tried on it, and who does not fit is said. */
  private followModel(): void {
    const { model } = this.session
    // Those of the tab's model wait for it while an engine elsewhere is on show.
    if (model === this.model || model === null || model.info.remote) return
    const wanted = this.linkedTracks(this.remembered ?? [...this.rows, ...this.state.getState().absent])
    this.remembered = null
    this.coming = []
    this.model = model
    this.state.setState({ ...NO_ADAPTERS })
    if (wanted.length > 0) void this.waitFor(this.carryOver(model, wanted))
  }

  private readLink(): string | null {
    const { absent, solo } = this.state.getState()
    const lacking = absent.filter(({ refused }) => refused === null)
    return this.linked ?? formatAdapters([...this.rows, ...lacking], solo)
  }

  /** A link that says nothing of adapters leaves them as they are. */
  private writeLink(text: string): void {
    if (text === '' || text === this.readLink()) return
    this.linked = text
    const { model } = this
    if (model !== null && model === this.session.model) void this.waitFor(this.exchange(model))
  }

  /** The link's adapters in place of those of before; rows of before that are the same keep what a link leaves out. */
  private linkedTracks(before: readonly SavedTrack[]): readonly SavedTrack[] {
    const { linked } = this
    this.linked = null
    if (linked === null || linked === formatAdapters(before, null)) return before
    const wanted = parseAdapters(linked, this.session.app.getState().catalogue.adapters)
    const missing = wanted.filter(({ name, origin }) => origin.kind === 'files' && !this.sources.has(name))
    // A run that starts with the model takes errors of before off the page.
    if (missing.length > 0) queueMicrotask(() => this.session.report(missingAdapters(missing)))
    return wanted
  }

  private async exchange(model: Model): Promise<void> {
    const { tracks } = this.state.getState()
    const wanted = this.linkedTracks(tracks)
    if (wanted === tracks) return
    for (const { id } of tracks) await this.drop(id)
    this.state.setState({ absent: [] })
    await this.carryOver(model, wanted)
  }

  private carryOver(model: Model, wanted: readonly SavedTrack[]): Promise<void> {
    return carryOver(wanted, {
      isWanted: () => model === this.model,
      leaves: (coming) => void (this.coming = coming),
      sourceOf: (track) => this.sourceOf(track),
      add: (addition) => this.addTo(addition),
      miss: (saved, error) => {
        const refused = error === null ? null : { model: model.info.id, error: toErrorData(error) }
        this.state.setState(({ absent }) => ({ absent: [...absent, { ...saved, refused }] }))
      },
    })
  }
}

/** The one set of adapters of a page. */
export const adaptersOf = perSession((session) => new Adapters(session))
