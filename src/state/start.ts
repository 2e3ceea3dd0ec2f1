import { toErrorData, type ErrorData } from '../errors.ts'
import type { EngineClient } from '../worker/api.ts'
import {
  createAppStore,
  DEFAULT_PREFERENCES,
  firstLayout,
  isRunning,
  type AppState,
  type Language,
  type PageError,
  type Preferences,
} from './app.ts'
import { examplesOf, fetchCatalogue } from './catalogue.ts'
import { FIRST_VIEW, parseLink, type LinkState } from './hash.ts'
import { onLinkChange, pageHash, pinWhenWritten } from './link.ts'
import { writeLinkParts } from './linkParts.ts'
import { Session } from './session.ts'
import { DEFAULT_SETTINGS, SETTING_NAMES, type Settings } from './settings.ts'
import { readPreferences, readText, writePreferences, writeText } from './storage.ts'
import { TokenLog, type TokenLogSnapshot } from './tokenLog.ts'
import { keepViews } from './viewHistory.ts'
import { watchWork } from './working.ts'

export interface StartOptions {
  client: EngineClient
  /** Address of the list of models. */
  catalogueUrl: string
  language: Language
  /** Why no GPU can be reached, or null. */
  noWebGpu: string | null
  /** False where things must not start moving by themselves. */
  autoStart: boolean
  /** Fetches what gives the views their keys in the page's link. */
  loadLinks: () => Promise<{ registerLinks: (session: Session) => void }>
}

/** Tokens of the text that greets a newcomer. */
const GREETING_TOKENS = 48
/** Tokens after which what the first of them did not need is fetched. */
const UNDER_WAY = 8
/** Milliseconds a change rests before it is kept; browsers limit how often an address may change. */
const DEBOUNCE_MS = 400

export interface Started {
  session: Session
  /** Settled once the first load has succeeded or failed. */
  settled: Promise<void>
}

/** Builds the page's state from the link, this tab's text and the preferences, and loads the first model. */
export function startPage(options: StartOptions): Started {
  const { language } = options
  const preferences = readPreferences({ ...DEFAULT_PREFERENCES, language, layout: firstLayout(innerWidth) })
  const link = parseLink(location.hash, location.search)
  writeLinkParts(link.parts)
  const app = createAppStore(preferences, {
    settings: { ...DEFAULT_SETTINGS, ...link.settings },
    ...(link.view === null ? {} : { view: link.view }),
    ...(link.prompt === null ? {} : { parseSpecial: link.parseSpecial }),
  })
  const log = new TokenLog((run) => requestAnimationFrame(run))
  const session = new Session({ client: options.client, app, log, now: () => performance.now() })
  watchWork(options.client, app)
  session.hub = { endpoint: new URLSearchParams(location.search).get('hub') ?? undefined }
  const settled = loadFirst(session, link, options)
  keepState(session)
  const standing = settled.then(() => textUnderWay(session))
  // Views that keep something in the link: fetched once a text is on its way, or at once for a link that names it.
  const wanted = link.parts.size > 0 ? Promise.resolve() : standing
  wanted
    .then(options.loadLinks)
    .then(({ registerLinks }) => registerLinks(session))
    .catch((error: unknown) => session.report(error))
  standing
    .then(() => import('./offline.ts'))
    .then(({ keepPage }) => keepPage(session))
    .catch((error: unknown) => session.report(error))
  return { session, settled }
}

/** Resolves when a run has written its first few tokens or has ended; at once where none runs. */
function textUnderWay({ app, log }: Session): Promise<void> {
  return new Promise((resolve) => {
    const isThere = (): boolean => log.tokens.length >= UNDER_WAY || !isRunning(app.getState().run)
    if (isThere()) return resolve()
    const settle = (): void => {
      if (!isThere()) return
      for (const release of subscriptions) release()
      resolve()
    }
    const subscriptions = [app.subscribe(settle), log.subscribe(settle)]
  })
}

async function loadFirst(session: Session, link: LinkState, options: StartOptions): Promise<void> {
  const { app, log } = session
  if (options.noWebGpu !== null) {
    app.setState({ error: { code: 'no-webgpu', message: options.noWebGpu, hint: '', details: {} } })
    return
  }
  const arrival = import('./arrival.ts')
  try {
    app.setState({ catalogue: await fetchCatalogue(options.catalogueUrl) })
  } catch (error) {
    app.setState({ error: toErrorData(error) })
  }
  const { catalogue } = app.getState()
  const saved = readText()
  // A text of dropped files: the page cannot have them back by itself, and puts no other model in their place.
  const ownText = saved !== null && (link.prompt ?? saved.prompt) === saved.prompt
  // A link that names an engine elsewhere loads nothing, and nothing is sent before a person presses.
  const engine = link.parts.has('engine')
  const gone = ownText && link.model === null && saved.modelId === null && !engine
  const modelId = gone || engine ? link.model : (link.model ?? saved?.modelId ?? catalogue.initial)
  const examples = examplesOf(catalogue, modelId)
  const koreanExample =
    app.getState().language === 'ko' ? examples.find((text) => /[가-힣]/.test(text)) : undefined
  const prompt = link.prompt ?? saved?.prompt ?? koreanExample ?? examples[0] ?? ''
  app.setState({ prompt, modelId })
  const restores = saved !== null && saved.prompt === prompt && saved.modelId === modelId
  if (restores) log.restore(saved.log)
  if (link.token !== null) pinWhenWritten(session, link.token)
  if (gone) app.setState({ error: goneModel(saved.log.modelId) })
  if (engine) app.setState({ view: 'models', narrow: 'view' })
  if (modelId === null || engine) return
  const startsRun = options.autoStart && link.run && !restores
  const label = catalogue.models.find((entry) => entry.id === modelId)?.name ?? modelId
  const first = startsRun ? firstSettings(app.getState(), link) : undefined
  const { arrive } = await arrival
  await arrive(session, modelId, { label, id: modelId, first })
  if (link.ignored.length > 0 && app.getState().error === null) app.setState({ error: ignoredKeys(link) })
}

function goneModel(name: string): PageError {
  return {
    code: 'storage',
    message: 'It was dropped as files, which do not outlive a reload. The text is kept.',
    hint: 'Drop its files again, or choose another model.',
    details: {},
    failed: { what: 'gone', name },
  }
}

function ignoredKeys({ ignored }: LinkState): ErrorData {
  return {
    code: 'bad-argument',
    message: `The link’s ${ignored.join(', ')} could not be read as a number.`,
    hint: 'The defaults are in use instead.',
    details: { fields: ignored },
  }
}

/** A link's own prompt runs as its settings say; the greeting is short. */
function firstSettings({ settings }: AppState, link: LinkState): Settings {
  if (link.prompt !== null || link.settings.maxTokens !== undefined) return settings
  return { ...settings, maxTokens: Math.min(GREETING_TOKENS, settings.maxTokens) }
}

function preferencesOf(state: AppState): Preferences {
  const { theme, language, colouring, values, filtered, parseSpecial, layout } = state
  return { theme, language, colouring, values, filtered, parseSpecial, layout }
}

/** From now on the address, the preferences and this tab's text follow the state. */
function keepState(session: Session): void {
  const { app } = session
  const keepPreferences = debounce(() => writePreferences(preferencesOf(app.getState())))
  const rewrite = keepViews({ app, hash: () => pageHash(session), follow: () => void followLink(session) })
  onLinkChange(session, debounce(rewrite))
  app.subscribe((state, previous) => {
    const names = Object.keys(preferencesOf(state)) as (keyof Preferences)[]
    if (names.some((name) => state[name] !== previous[name])) keepPreferences()
    if (isRunning(previous.run) && !isRunning(state.run)) keepText(session)
  })
  addEventListener('pagehide', () => keepText(session))
}

function keepText({ app, log, model }: Session): void {
  const { prompt, modelId, settings } = app.getState()
  // A text that was taken off the page stays off it, and so does its model.
  const snapshot = log.snapshot() ?? (readText() && emptied(settings, model?.info.id ?? ''))
  if (snapshot !== null) writeText({ prompt, modelId, log: snapshot })
}

const emptied = (settings: Settings, modelId: string): TokenLogSnapshot => ({
  modelId,
  promptIds: [],
  promptTexts: [],
  tokens: [],
  settings,
  bosId: null,
  endIds: [],
})

/** Another link in the address line shows what it would on a page of its own. */
async function followLink(session: Session): Promise<void> {
  const { app } = session
  const link = parseLink(location.hash)
  const { modelId, settings, prompt, catalogue } = app.getState()
  // A whole link leaves out what stands at its default; a lone setting changes nothing else.
  const next = { ...(link.prompt === null ? settings : DEFAULT_SETTINGS), ...link.settings }
  app.setState({ settings: next, view: link.view ?? FIRST_VIEW, narrow: 'view', pinned: null })
  if (link.prompt !== null) app.setState({ prompt: link.prompt, parseSpecial: link.parseSpecial })
  writeLinkParts(link.parts)
  const other = link.model !== null && link.model !== modelId
  if (other && link.model !== null) {
    const label = catalogue.models.find((entry) => entry.id === link.model)?.name ?? link.model
    const { openNamed } = await import('./arrival.ts')
    if (!(await openNamed(session, link.model, { label, id: link.model }))) return
  }
  const rewritten = other || (link.prompt ?? prompt) !== prompt || !sameSettings(next, settings)
  const writes = rewritten && link.run && link.prompt !== null
  if (link.token !== null) pinWhenWritten(session, link.token, writes ? session.log.epoch : null)
  if (writes) void session.generate()
}

const sameSettings = (a: Settings, b: Settings): boolean => SETTING_NAMES.every((name) => a[name] === b[name])

/** Calls `run` once things have been quiet for {@link DEBOUNCE_MS}. */
function debounce(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(run, DEBOUNCE_MS)
  }
}

/** The page's face for automation: the library's `loadModel`, and the model on show. */
export function automationFace({ session, settled }: Started, client: EngineClient) {
  return settled.then(() => ({
    loadModel: client.loadModel.bind(client),
    simulateDeviceLoss: async () => client.simulateDeviceLoss?.(),
    get model() {
      return session.model
    },
  }))
}
