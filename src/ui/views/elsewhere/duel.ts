import { createStore } from 'zustand/vanilla'
import type { Model } from '../../../api/model.ts'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import {
  agreement,
  commonPlaces,
  divergence,
  keyOf,
  type Agreement,
  type ComparedPlace,
  type WrittenToken,
} from './agreement.ts'

export type DuelPhase =
  { kind: 'empty' } | { kind: 'running' } | { kind: 'done' } | { kind: 'failed'; error: ErrorData }

/** Names of who wrote which text. */
export interface DuelSides {
  local: string
  far: string
  host: string
}

export interface DuelState {
  phase: DuelPhase
  sides: DuelSides | null
  /** Both have the same vocabulary. */
  shared: boolean
  local: readonly WrittenToken[]
  far: readonly WrittenToken[]
  agreement: Agreement | null
  places: readonly ComparedPlace[]
}

/** Alternatives of the tab's model: enough to hold most of what an engine sends. */
const OWN_ALTERNATIVES = 256

const NOTHING = { local: [], far: [], agreement: null, places: [], shared: false } as const

/** One prompt, written on by the tab's model and by the engine at once. */
export class Duel {
  readonly state = createStore<DuelState>()(() => ({ phase: { kind: 'empty' }, sides: null, ...NOTHING }))
  readonly #session: Session
  #running: AbortController | null = null

  constructor(session: Session) {
    this.#session = session
  }

  stop(): void {
    this.#running?.abort()
  }

  async run(): Promise<void> {
    const { ownModel, model: far, app } = this.#session
    const remote = far?.info.remote
    if (ownModel === null || far === null || !remote) return
    this.stop()
    const controller = new AbortController()
    this.#running = controller
    const isCurrent = (): boolean => this.#running === controller
    const sides = { local: ownModel.info.id, far: far.info.id, host: new URL(remote.url).host }
    this.state.setState({ phase: { kind: 'running' }, sides, ...NOTHING })
    try {
      const state = app.getState()
      const [ownIds, farIds] = await Promise.all([
        encodePrompt(ownModel, state.prompt, state),
        encodePrompt(far, state.prompt, state),
      ])
      const shared = sharesVocabulary(ownModel, far, ownIds, farIds)
      if (isCurrent()) this.state.setState({ shared })
      await Promise.all([
        this.#write(ownModel, ownIds, 'local', controller),
        this.#write(far, farIds, 'far', controller),
      ])
      if (isCurrent()) await this.#compare(ownModel, ownIds, controller)
    } catch (error) {
      controller.abort()
      if (isCurrent()) this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  async #write(
    model: Model,
    ids: readonly number[],
    side: 'local' | 'far',
    controller: AbortController,
  ): Promise<void> {
    const { maxTokens, ...sampling } = this.#session.app.getState().settings
    const topLogprobs = Math.min(OWN_ALTERNATIVES, model.info.vocab || OWN_ALTERNATIVES)
    const written: WrittenToken[] = []
    const { signal } = controller
    for await (const token of model.generate(ids, { ...sampling, maxTokens, topLogprobs, signal })) {
      const { id, text, logprob, top } = token
      written.push({ id, text, logprob, top })
      if (this.#running === controller) this.state.setState({ [side]: [...written] })
    }
  }

  /** In one vocabulary the tab's model reads the engine's text, so that every place of it is compared; else where both say the same. */
  async #compare(ownModel: Model, promptIds: readonly number[], controller: AbortController): Promise<void> {
    const { local: a, far: b, shared } = this.state.getState()
    const result = agreement(a, b, shared)
    this.state.setState({ agreement: result })
    const read = shared && b.length > 0 && !controller.signal.aborted
    const places = read
      ? await readPlaces(ownModel, promptIds, b, controller.signal)
      : commonPlaces(a, b, keyOf(shared))
    if (this.#running === controller) this.state.setState({ places, phase: { kind: 'done' } })
  }
}

/** Equal prompts in equally many ids: one tokenizer, as far as can be seen. */
function sharesVocabulary(
  ownModel: Model,
  far: Model,
  ownIds: readonly number[],
  farIds: readonly number[],
): boolean {
  const { remote, vocab } = far.info
  const sends = remote?.capabilities['token-ids'] === true && remote.capabilities['encode'] === true
  return sends && (vocab === 0 || vocab === ownModel.info.vocab) && ownIds.join() === farIds.join()
}

async function readPlaces(
  ownModel: Model,
  promptIds: readonly number[],
  far: readonly WrittenToken[],
  signal: AbortSignal,
): Promise<ComparedPlace[]> {
  const places: ComparedPlace[] = []
  const ids = [...promptIds, ...far.map(({ id }) => id)]
  const topLogprobs = Math.min(OWN_ALTERNATIVES, ownModel.info.vocab)
  for await (const scored of ownModel.score(ids, { topLogprobs, signal }))
    for (const { position, id, logprob, top } of scored) {
      const index = position - promptIds.length
      const token = far[index]
      if (token === undefined) continue
      const best = top[0]
      const read = { id, text: token.text, logprob, top }
      const local = best === undefined || best.id === id ? token.text : best.text
      places.push({ index, far: token.text, local, ...divergence(token, read, keyOf(true)) })
    }
  return places
}

export const duelOf = perSession((session) => new Duel(session))
