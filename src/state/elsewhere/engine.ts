import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../errors.ts'
import type { ConnectedModel } from '../../remote/types.ts'
import { linkPartChanged, registerLinkPart } from '../linkParts.ts'
import { checkOpen } from '../origins.ts'
import { perSession } from '../perSession.ts'
import type { Session } from '../session.ts'
import { shownModel } from './shownModel.ts'

export type EnginePhase =
  { kind: 'idle' } | { kind: 'connecting' } | { kind: 'connected' } | { kind: 'failed'; error: ErrorData }

export interface EngineState {
  phase: EnginePhase
  /** What a link may carry; the key stands nowhere but in the connection. */
  url: string
  /** Name of a model there; empty: the first that the engine lists. */
  model: string
}

export interface EngineAddress {
  url: string
  model: string
  key: string
}

/** An address as people type it: a bare host is one of http. */
function fullAddress(url: string): string {
  const trimmed = url.trim()
  return /^[a-z]+:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`
}

/** The engine elsewhere of a page: connects when a person asks for it, and is then the model on show. */
export class EngineConnection {
  readonly state = createStore<EngineState>()(() => ({ phase: { kind: 'idle' }, url: '', model: '' }))
  readonly #session: Session
  #connecting: AbortController | null = null
  #connected: ConnectedModel | null = null

  constructor(session: Session) {
    this.#session = session
    const { state } = this
    registerLinkPart('engine', {
      read: () => (this.#isNamed ? state.getState().url || null : null),
      write: (url) => this.#follow({ url }),
    })
    registerLinkPart('engine-model', {
      read: () => (this.#isNamed ? state.getState().model || null : null),
      write: (model) => this.#follow({ model }),
    })
    session.app.subscribe(({ model }) => {
      // A model loaded in this tab has taken its place.
      if (this.#connected !== null && model.kind === 'ready' && !model.info.remote) this.#left()
    })
  }

  /** The connection itself: what it says may be null where the page's face of it says NaN. */
  get connected(): ConnectedModel | null {
    return this.#connected
  }

  /** Asks an address what it offers, with a fixed text of one letter, and shows the model that answers. */
  async connect({ url, model, key }: EngineAddress): Promise<boolean> {
    this.#connecting?.abort()
    const controller = new AbortController()
    this.#connecting = controller
    const address = fullAddress(url)
    this.state.setState({ phase: { kind: 'connecting' }, url: address, model: model.trim() })
    try {
      checkOpen(address)
      const { connectModel } = await import('../../remote/connect.ts')
      const far = await connectModel(address, {
        model: model.trim() || undefined,
        apiKey: key,
        signal: controller.signal,
      })
      if (this.#connecting !== controller) {
        await far.dispose()
        return false
      }
      await this.#show(far)
      return true
    } catch (error) {
      if (this.#connecting === controller) this.#failed(error)
      return false
    } finally {
      if (this.#connecting === controller) this.#connecting = null
    }
  }

  /** Gives up asking. */
  cancel(): void {
    this.#connecting?.abort()
    this.#connecting = null
    this.state.setState({ phase: { kind: this.#connected === null ? 'idle' : 'connected' } })
  }

  /** Lets go of the engine; the tab's own model is on show again, where one is loaded. */
  async disconnect(): Promise<void> {
    if (this.#connected === null) return
    this.#left()
    await this.#session.showEngine(null)
  }

  async #show(far: ConnectedModel): Promise<void> {
    const { log } = this.#session
    const written = log.tokens.map(({ id, text }): [number, string] => [id, text])
    const knownTexts = new Map([
      ...log.promptIds.map((id, i): [number, string] => [id, log.promptTexts[i] ?? '']),
      ...written,
    ])
    this.#connected = far
    await this.#session.showEngine(shownModel(far, knownTexts))
    this.state.setState({ phase: { kind: 'connected' } })
    linkPartChanged()
  }

  #failed(error: unknown): void {
    const data = toErrorData(error)
    if (data.code === 'aborted') this.cancel()
    else this.state.setState({ phase: { kind: 'failed', error: data } })
  }

  #left(): void {
    this.#connected = null
    this.state.setState({ phase: { kind: 'idle' } })
    linkPartChanged()
  }

  /** A link that names an engine is kept until another model is on show. */
  get #isNamed(): boolean {
    return this.#connected !== null || this.#session.model === null
  }

  /** A link fills the form in; nothing is asked before a person presses. */
  #follow(part: Partial<Pick<EngineState, 'url' | 'model'>>): void {
    if (this.#connected !== null) return
    this.state.setState(part)
    if (part.url) this.#session.app.setState({ view: 'models', narrow: 'view' })
  }
}

export const engineOf = perSession((session) => new EngineConnection(session))
