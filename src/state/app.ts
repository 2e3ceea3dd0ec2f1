import { createStore } from 'zustand/vanilla'
import type { ErrorData } from '../errors.ts'
import type { LoadProgress, MemoryReport, ModelInfo, RemoteEngine, WatchedStep } from '../api/model.ts'
import { EMPTY_CATALOGUE, type Catalogue } from './catalogue.ts'
import { DEFAULT_SETTINGS, type Settings } from './settings.ts'

/** Where the page stands with its model. `info` present means: a model answers. `elapsed` is in milliseconds. */
export type ModelPhase =
  | { kind: 'empty' }
  | { kind: 'loading'; label: string; progress: LoadProgress; elapsed: number; info: ModelInfo | null }
  | { kind: 'ready'; info: ModelInfo }
  /** No model is loaded: a load that fails beside one that does leaves that one ready. */
  | { kind: 'failed'; label: string; error: ErrorData }
  | { kind: 'lost'; error: ErrorData; info: ModelInfo }

/** What was under way when an error came, and the name of what it was about. */
export interface Failed {
  what: 'model' | 'adapter' | 'acting' | 'run' | 'gone'
  name: string
}

/** An error as the page shows it. */
export interface PageError extends ErrorData {
  failed?: Failed
}

export type RunPhase =
  | { kind: 'idle' }
  | { kind: 'prefill'; done: number; total: number }
  | { kind: 'decoding' }
  | { kind: 'done'; reason: 'stop' | 'length' | 'context-full' }
  | { kind: 'stopped' }
  | { kind: 'failed' }

export type Theme = 'auto' | 'light' | 'dark'
export type Language = 'en' | 'ko'
export type Colouring = 'probability' | 'surprisal' | 'off'
/** What a narrow page shows: a view, or one of its side regions. */
export type NarrowRegion = 'view' | 'left' | 'right'

export interface Layout {
  /** Pixels. */
  leftWidth: number
  rightWidth: number
  leftOpen: boolean
  rightOpen: boolean
  /** The names in the list of views. */
  navOpen: boolean
  /** The lens strip below every view. */
  stripOpen: boolean
}

export interface Preferences {
  theme: Theme
  language: Language
  colouring: Colouring
  /** Probability or surprisal printed below each token. */
  values: boolean
  filtered: boolean
  /** Special tokens that a person writes out, as `<|end|>`, are read as such. */
  parseSpecial: boolean
  layout: Layout
}

export interface AppState extends Preferences {
  model: ModelPhase
  run: RunPhase
  /** A model computes, for a run or for anything else. */
  working: boolean
  /** The error shown to the person; null once dismissed. */
  error: PageError | null
  catalogue: Catalogue
  /** Id or address of the model that was asked for last, as a link spells it; null for dropped files. */
  modelId: string | null
  /** A model that another tab holds, not loaded here until asked for. */
  taken: string | null
  /** The first step seen to make odd values, where they are counted while the model runs; null once dismissed. */
  odd: WatchedStep | null
  prompt: string
  settings: Settings
  memory: MemoryReport | null
  view: string
  /** The open lesson and its step, as `sampling.3`. */
  lesson: string | null
  narrow: NarrowRegion
  /** The sheet of keys is open. */
  keysOpen: boolean
  /** The chosen token: index of a generated one. */
  pinned: number | null
  /** The chosen token where it is one of the prompt; null while a generated one is chosen, or none. */
  promptRow: number | null
  hovered: number | null
  /** Index of a prompt token under the pointer. */
  hoveredPrompt: number | null
}

export const DEFAULT_PREFERENCES: Preferences = {
  theme: 'auto',
  language: 'en',
  colouring: 'probability',
  values: false,
  filtered: false,
  parseSpecial: true,
  layout: {
    leftWidth: 236,
    rightWidth: 372,
    leftOpen: true,
    rightOpen: true,
    navOpen: true,
    stripOpen: true,
  },
}

/** Layout of a first visit: beside a wide text the regions have more room. `width` in CSS pixels. */
export function firstLayout(width: number): Layout {
  const { layout } = DEFAULT_PREFERENCES
  return width < 2000 ? layout : { ...layout, leftWidth: 320, rightWidth: 680 }
}

export function createAppStore(preferences: Preferences, initial: Partial<AppState> = {}) {
  const store = createStore<AppState>()(() => ({
    ...preferences,
    model: { kind: 'empty' },
    run: { kind: 'idle' },
    working: false,
    error: null,
    catalogue: EMPTY_CATALOGUE,
    modelId: null,
    taken: null,
    odd: null,
    prompt: '',
    settings: { ...DEFAULT_SETTINGS },
    memory: null,
    view: 'write',
    lesson: null,
    narrow: 'view',
    keysOpen: false,
    pinned: null,
    promptRow: null,
    hovered: null,
    hoveredPrompt: null,
    ...initial,
  }))
  store.subscribe(({ pinned, promptRow }, previous) => {
    if (pinned !== previous.pinned && pinned !== null && promptRow !== null)
      store.setState({ promptRow: null })
  })
  return store
}

export type AppStore = ReturnType<typeof createAppStore>

export function isRunning(run: RunPhase): boolean {
  return run.kind === 'prefill' || run.kind === 'decoding'
}

/** The model that would answer now, if any. */
export function answeringModel(model: ModelPhase): ModelInfo | null {
  switch (model.kind) {
    case 'empty':
    case 'failed':
    case 'lost':
      return null
    case 'loading':
    case 'ready':
      return model.info
  }
}

/** Where the page stands with a model that answers, or with none. */
export const readyOrEmpty = (info: ModelInfo | null): ModelPhase =>
  info === null ? { kind: 'empty' } : { kind: 'ready', info }

/** The engine elsewhere that would answer now; undefined while the tab's own model does. */
export function remoteOf({ model }: Pick<AppState, 'model'>): RemoteEngine | undefined {
  return answeringModel(model)?.remote
}

export type Status = 'empty' | 'loading' | 'ready' | 'running' | 'lost' | 'failed'

/** The one word automation reads from `model-status`. */
export function statusOf(model: ModelPhase, run: RunPhase): Status {
  return model.kind === 'ready' && isRunning(run) ? 'running' : model.kind
}
