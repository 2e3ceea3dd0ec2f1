import { createStore } from 'zustand/vanilla'
import { toErrorData } from '../errors.ts'
import type { Model, ModelSource } from '../api/model.ts'
import { arrangementOf, type Arrangement } from './adapterArrangement.ts'
import type { AdapterActions } from './adapterActions.ts'
import { formatAdapters, type LinkedTrack } from './adapterLink.ts'
import { readTracks, writeTracks, type SavedTrack } from './adapterMemory.ts'
import { scalesOf, sendScales, type NamedScale, type Track } from './adapterScales.ts'
import { NO_ADAPTERS, stillComing, type AdaptersState } from './adapterState.ts'
import { TextScales } from './adapterText.ts'
import { linkPartChanged, registerLinkPart } from './linkParts.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'

/**
 * The adapters on the page's model: which there are, at what scale they act, what is remembered of them. What a person does with
 * them is in `adapterActions.ts`, read when it is needed.
 */
export class Adapters {
  readonly state = createStore<AdaptersState>()(() => NO_ADAPTERS)
  readonly text: TextScales
  /** Hears what a person has changed: a key of the catalogue, the row and field of a number, and how things stood before. */
  onChange: (label: string, field: string, previous: Arrangement) => void = () => undefined
  readonly session: Session
  /** The model whose rows these are. */
  model: Model | null = null
  /** Sources of this visit by track name, so that dropped files survive a change of model. */
  readonly sources = new Map<string, ModelSource>()
  /** Adapters on their way in. */
  private readonly loading = new Set<Promise<unknown>>()
  private remembered: readonly SavedTrack[] | null = readTracks()
  /** What the page's link says of adapters, until a model is there to carry them. */
  private linked: string | null = null

  constructor(session: Session) {
    this.session = session
    this.text = new TextScales(session, () => this.scales)
    registerLinkPart('adapters', {
      read: () => this.readLink(),
      write: (text) => this.writeLink(text),
      omits: () => /(?:^|,)\?/.test(this.readLink() ?? ''),
    })
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
    const state = this.state.getState()
    return arrangementOf({ tracks: [...state.tracks, ...stillComing(state)], solo: state.solo }, (track) =>
      this.sourceOf(track),
    )
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

  /** Brings back rows as they stood: those that are still there are moved, the others loaded or removed. */
  async arrange(wanted: Arrangement): Promise<void> {
    // What is on its way has arrived by then, and is a row like the others.
    const earlier = Promise.all(this.loading)
    await this.waitFor(earlier.then(() => this.actions()).then((actions) => actions.bringBack(wanted)))
  }

  /** Takes an adapter off the model. */
  async remove(id: string): Promise<void> {
    await (await this.actions()).remove(id)
  }

  /** Changes a row, without a word to the engine. */
  edit(id: string, part: Partial<Pick<Track, 'scale' | 'enabled'>>): void {
    this.state.setState(({ tracks }) => ({
      tracks: tracks.map((track) => (track.id === id ? { ...track, ...part } : track)),
    }))
    this.acted()
  }

  /** Tells the engine every row's acting scale, and the text that it was written under others. */
  apply(): void {
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
    this.save()
  }

  /** Writes down what there is, for the next visit and for the page's link. */
  save(): void {
    writeTracks(this.rows())
    linkPartChanged()
  }

  /** Resolves once no adapter is being loaded any more. */
  private async settled(): Promise<void> {
    while (this.loading.size > 0) await Promise.all(this.loading)
  }

  /** Counts `work` among what a text must wait for. */
  waitFor<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(
      () => this.loading.delete(settled),
      () => this.loading.delete(settled),
    )
    this.loading.add(settled)
    return work
  }

  /** Where an adapter of a row can be read from again; null: its files must be dropped again. */
  sourceOf({ name, origin }: SavedTrack): ModelSource | null {
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
    const previous = this.remembered ?? this.rows()
    const { linked } = this
    this.remembered = this.linked = null
    this.model = model
    this.state.setState({
      tracks: [],
      absent: [],
      solo: null,
      selected: null,
      pending: [],
      coming: linked === null ? previous : [],
      merged: null,
      working: null,
    })
    if (previous.length > 0 || linked !== null)
      this.load((actions) => actions.carryOver(model, actions.linkedTracks(linked, previous)))
  }

  private readLink(): string | null {
    const { absent, solo } = this.state.getState()
    const refused = absent.filter((one) => one.refused !== null)
    return (
      this.linked ??
      formatAdapters(
        this.rows().filter((row) => !refused.some((one) => one === row)),
        solo,
      )
    )
  }

  /** The rows there are, those still to come, and those that are missing. */
  private rows(): LinkedTrack[] {
    const state = this.state.getState()
    return [...state.tracks, ...stillComing(state), ...state.absent]
  }

  /** A link that says nothing of adapters leaves them as they are. */
  private writeLink(text: string): void {
    if (text === '' || text === this.readLink()) return
    const { model } = this
    const there = model !== null && model === this.session.model
    this.linked = there ? null : text
    if (there) this.load((actions) => actions.exchange(model, text))
  }

  private load(work: (actions: AdapterActions) => Promise<void>): void {
    this.waitFor(this.actions().then(work)).catch((error: unknown) => this.session.report(error))
  }

  private async actions(): Promise<AdapterActions> {
    const { adapterActionsOf } = await import('./adapterActions.ts')
    return adapterActionsOf(this.session)
  }
}

/** The one set of adapters of a page. */
export const adaptersOf = perSession((session) => new Adapters(session))
