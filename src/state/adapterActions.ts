import { toErrorData } from '../errors.ts'
import type { Model } from '../api/model.ts'
import { identify } from '../engine/identify.ts'
import { bringBack, carryOver, type Arrangement, type Coming } from './adapterArrangement.ts'
import { nameOfFiles, packExport, type PackedFile } from './adapterFiles.ts'
import { formatAdapters, missingAdapters, nameOfAddress, parseAdapters } from './adapterLink.ts'
import type { SavedTrack } from './adapterMemory.ts'
import { freeName, type Track } from './adapterScales.ts'
import type { Absent, Addition } from './adapterState.ts'
import { adaptersOf, type Adapters } from './adapters.ts'
import { isRunning } from './app.ts'
import type { AdapterEntry } from './catalogue.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'

/** What a person does with the adapters of a page: adds, scales, switches, merges, exports and removes them. */
export class AdapterActions {
  private readonly adapters: Adapters
  private readonly session: Session
  private readonly state: Adapters['state']

  constructor(adapters: Adapters) {
    this.adapters = adapters
    this.session = adapters.session
    this.state = adapters.state
  }

  /** Takes dropped or chosen files if they are an adapter's and a model is there to carry it. */
  async addAdapter(files: readonly File[], name: string | null = null): Promise<boolean> {
    if (this.session.model === null || (await identify(files)) !== 'adapter') return false
    await this.add({ source: files, origin: { kind: 'files' }, name: name ?? nameOfFiles(files) })
    return true
  }

  addListed(entry: AdapterEntry): Promise<boolean> {
    return this.add({ source: entry.id, origin: { kind: 'listed', id: entry.id }, name: entry.name })
  }

  addAddress(address: string): Promise<boolean> {
    return this.add({ source: address, origin: { kind: 'address', address }, name: nameOfAddress(address) })
  }

  /** Files chosen by hand: always an adapter, so that what is wrong with them is said. */
  addFiles(files: readonly File[]): Promise<boolean> {
    return this.add({ source: files, origin: { kind: 'files' }, name: nameOfFiles(files) })
  }

  /** Compiles what adapters need while nothing else happens. */
  prepare(): void {
    const { model } = this.session
    const { tracks, merged, pending, coming } = this.state.getState()
    if (model === null || isRunning(this.session.app.getState().run)) return
    if (tracks.length + pending.length + coming.length > 0 || merged !== null) return
    model.prepareAdapters().catch((error: unknown) => this.session.report(error))
  }

  setScale(id: string, scale: number): void {
    if (!Number.isFinite(scale)) return
    const previous = this.adapters.arrangement
    this.change(id, { scale })
    this.adapters.onChange('adapters.did.scale', `scale ${id}`, previous)
  }

  setEnabled(id: string, enabled: boolean): void {
    const previous = this.adapters.arrangement
    this.change(id, { enabled })
    this.adapters.onChange('adapters.did.switch', '', previous)
  }

  setSolo(solo: string | null): void {
    const previous = this.adapters.arrangement
    this.state.setState({ solo })
    this.adapters.apply()
    this.adapters.onChange('adapters.did.switch', '', previous)
  }

  select(id: string): void {
    this.state.setState({ selected: id })
  }

  /** What of the selected adapter is on show. */
  show(detail: 'report' | 'delta'): void {
    this.state.setState({ detail })
  }

  /** Puts a row at another place; the order is the reader's, the sum has none. */
  move(id: string, to: number): void {
    const { tracks } = this.state.getState()
    const track = tracks.find((one) => one.id === id)
    if (track === undefined) return
    const others = tracks.filter((one) => one !== track)
    const place = Math.max(0, Math.min(others.length, to))
    this.state.setState({ tracks: [...others.slice(0, place), track, ...others.slice(place)] })
    this.adapters.save()
  }

  async remove(id: string): Promise<void> {
    const previous = this.adapters.arrangement
    if (await this.adapters.waitFor(this.drop(id)))
      this.adapters.onChange('adapters.did.remove', '', previous)
  }

  /** Puts rows back as they stood; {@link Adapters.arrange} is what waits for it. */
  async bringBack(wanted: Arrangement): Promise<void> {
    const { model } = this.adapters
    const { state } = this
    await bringBack(wanted, { ...this.comingTo(model), state, drop: (id) => this.drop(id) })
    if (model === this.adapters.model) this.adapters.apply()
  }

  /** Takes a row away at once, then its adapter; false when it is on its way out already, or the engine could not. */
  private async drop(id: string): Promise<boolean> {
    const { model } = this.adapters
    const track = this.state.getState().tracks.find((one) => one.id === id)
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
      if (model === this.adapters.model)
        this.state.setState((state) => ({ tracks: [...state.tracks, track] }))
      this.session.report(error)
      return false
    }
    this.adapters.sources.delete(track.name)
    this.adapters.apply()
    return true
  }

  /** Tries an absent adapter once more on the model that is there now. */
  async retry(absent: Absent): Promise<void> {
    const source = this.adapters.sourceOf(absent)
    if (source === null) return
    this.dropAbsent(absent)
    await this.add({ ...absent, source })
  }

  dropAbsent(absent: Absent): void {
    this.state.setState(({ absent: list }) => ({ absent: list.filter((one) => one !== absent) }))
    this.adapters.save()
  }

  /** Folds what acts into the weights. */
  merge(): Promise<void> {
    const { scales } = this.adapters
    return this.work('merge', async (model) => {
      await model.mergeAdapters(scales)
      this.state.setState({ merged: scales })
    })
  }

  unmerge(): Promise<void> {
    return this.work('unmerge', async (model) => {
      await model.unmergeAdapters()
      this.state.setState({ merged: null })
      this.adapters.apply()
    })
  }

  /** All at their scales as files to keep: one adapter for PEFT or for llama.cpp, or the model with them folded in. */
  async export(format: 'peft' | 'gguf' | 'merged'): Promise<PackedFile | null> {
    let packed: PackedFile | null = null
    await this.work('export', async (model) => {
      packed = await packExport(model, this.adapters.scales, format)
    })
    return packed
  }

  private async work(kind: 'merge' | 'unmerge' | 'export', run: (model: Model) => Promise<void>) {
    const { model } = this.adapters
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
    this.adapters.edit(id, part)
    this.adapters.apply()
  }

  private async add(addition: Addition): Promise<boolean> {
    try {
      const name = await this.adapters.waitFor(this.addToWhichever(addition))
      // Others may have come meanwhile: without it are all rows but this one.
      const { tracks, solo } = this.adapters.arrangement
      const previous = { tracks: tracks.filter((track) => track.name !== name), solo }
      if (name !== null) this.adapters.onChange('adapters.did.add', '', previous)
      return true
    } catch (error) {
      this.session.report(error, { what: 'adapter', name: addition.name ?? '' })
      return false
    }
  }

  /** Adds to the model that is there once it has been read: one that has given way to another meanwhile needs no adapter. */
  private async addToWhichever(addition: Addition): Promise<string | null> {
    const { model } = this.adapters
    try {
      const name = await this.addTo(addition)
      if (name !== null || model === this.adapters.model) return name
    } catch (error) {
      if (model === this.adapters.model) throw error
    }
    return this.addTo(addition)
  }

  /** Resolves to the name of the row, null where the model has given way to another. `isComing`: the row is one of those that come. */
  private async addTo(
    { source, origin, name: asked, scale = 1, enabled = true }: Addition,
    isComing = false,
  ): Promise<string | null> {
    const { model } = this.adapters
    if (model === null) return null
    const { tracks, pending, solo } = this.state.getState()
    const rows = isComing ? tracks : this.adapters.arrangement.tracks
    const name = freeName(asked ?? 'adapter', [...rows.map((track) => track.name), ...pending])
    this.state.setState({ pending: [...pending, name] })
    try {
      const acting = enabled && solo === null ? scale : 0
      const { id, report } = await model.addAdapter(source, { name, scale: acting })
      if (model !== this.adapters.model) return null
      const acts = enabled && report.heldOff === undefined
      this.adapters.put({ id, name, scale, enabled: acts, origin, report }, source)
      return name
    } finally {
      this.state.setState((state) => ({ pending: state.pending.filter((one) => one !== name) }))
    }
  }

  /** The adapters of `linked`, a link, in place of those of before; rows of before that are the same keep what a link leaves out. */
  linkedTracks(linked: string | null, previous: readonly SavedTrack[]): readonly SavedTrack[] {
    if (linked === null || linked === formatAdapters(previous, null)) return previous
    const { adapters } = this.session.app.getState().catalogue
    const wanted = parseAdapters(linked, new Map(adapters.map(({ id, name }) => [id, name])))
    const missing = wanted.filter(
      ({ name, origin }) => origin.kind === 'files' && !this.adapters.sources.has(name),
    )
    // A run that starts with the model takes errors of before off the page.
    if (missing.length > 0) queueMicrotask(() => this.session.report(missingAdapters(missing)))
    return wanted
  }

  /** Replaces the rows by those of a link. */
  async exchange(model: Model, linked: string): Promise<void> {
    const { tracks } = this.state.getState()
    const wanted = this.linkedTracks(linked, tracks)
    if (wanted === tracks) return
    for (const { id } of tracks) await this.drop(id)
    this.state.setState({ absent: [] })
    await this.carryOver(model, wanted)
  }

  /** How rows of before come to a model, one after the other, as long as it is the page's. */
  private comingTo(model: Model | null): Coming {
    return {
      isWanted: () => model === this.adapters.model,
      leaves: (coming) => this.state.setState({ coming }),
      sourceOf: (track) => this.adapters.sourceOf(track),
      add: async (addition) => void (await this.addTo(addition, true)),
    }
  }

  /** Loads rows of before on this model, and says which do not fit. */
  carryOver(model: Model, wanted: readonly SavedTrack[]): Promise<void> {
    return carryOver(wanted, {
      ...this.comingTo(model),
      miss: (saved, error) => {
        const refused = error === null ? null : { model: model.info.id, error: toErrorData(error) }
        this.state.setState(({ absent }) => ({ absent: [...absent, { ...saved, refused }] }))
      },
    })
  }
}

/** The one of a page. */
export const adapterActionsOf = perSession((session) => new AdapterActions(adaptersOf(session)))
