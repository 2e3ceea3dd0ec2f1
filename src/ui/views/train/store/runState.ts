import type { ErrorData } from '../../../../errors.ts'
import type { RunCheckpoint } from './checkpoints.ts'
import type { KeptRun, RunInfo } from './keptRuns.ts'
import { DEFAULT_TRAIN_SETTINGS, type RunSettings } from './settings.ts'

export type TrainPhase =
  | { kind: 'idle' }
  | { kind: 'starting' }
  | { kind: 'running' }
  | { kind: 'paused' }
  | { kind: 'stopping' }
  | { kind: 'done' }
  | { kind: 'stopped' }
  | { kind: 'failed'; error: ErrorData }

export interface TrainRunState {
  settings: RunSettings
  phase: TrainPhase
  /** What a running run is doing beside its steps. */
  measuring: boolean
  /** Prompts that are being asked for exact answers, and how many have been; null while none are. */
  counting: { asked: number; of: number } | null
  /** The run on show; null before the first. */
  run: RunInfo | null
  /** Engine's id of the adapter that learns or has learned; null for a run of an earlier visit. */
  adapter: string | null
  checkpoints: readonly RunCheckpoint[]
  /** Steps of the checkpoint looked at; null: the newest. */
  looked: number | null
  /** Whether checkpoints outlive a reload; null before one was kept. */
  isKept: boolean | null
  /** Number of the optimiser's step after which its moments are at hand; null where none are. */
  moments: number | null
  /** Their size; 0 without any. */
  momentBytes: number
  /** Prompt that every checkpoint is asked to go on from; the lens looks at its last token. */
  prompt: string
  /** A prompt that a person chose stays; another is the first example's. */
  isOwnPrompt: boolean
  /** Runs of earlier visits; null before they were looked for. */
  earlier: readonly KeptRun[] | null
  /** Counts up as steps arrive. */
  version: number
}

/** Before the first run. */
export const NO_RUN: TrainRunState = {
  settings: DEFAULT_TRAIN_SETTINGS,
  phase: { kind: 'idle' },
  measuring: false,
  counting: null,
  run: null,
  adapter: null,
  checkpoints: [],
  looked: null,
  isKept: null,
  moments: null,
  momentBytes: 0,
  prompt: '',
  isOwnPrompt: false,
  earlier: null,
  version: 0,
}

/** True from the start until the last checkpoint. */
export const isUnderWay = ({ kind }: TrainPhase): boolean =>
  kind === 'starting' || kind === 'running' || kind === 'paused' || kind === 'stopping'
