import { createStore } from 'zustand/vanilla'
import { toErrorData, TokenscopeError, type ErrorData } from '../../../errors.ts'
import { openTrace } from '../../../trace/open.ts'
import { EXTENSION, LIMITS } from '../../../trace/layout.ts'
import type { SavedTrace } from '../../../trace/types.ts'
import type { Model, StepInfo } from '../../../api/model.ts'
import { anatomyOfSteps } from '../../../analysis/anatomy.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

export type OpenPhase =
  { kind: 'idle' } | { kind: 'opening'; name: string } | { kind: 'failed'; name: string; error: ErrorData }

export type SavePhase =
  | { kind: 'idle' }
  | { kind: 'saving'; tokens: number }
  | { kind: 'saved'; name: string; bytes: number }
  | { kind: 'failed'; error: ErrorData }

/** What can be kept of a run. */
export const KEEP_NAMES = ['residuals', 'attention', 'logits', 'everything'] as const
export type Keep = (typeof KEEP_NAMES)[number]

/** Which of a model's steps every choice keeps: the stream behind every layer, attention's weights, rows of the vocabulary. */
export function stepsToKeep(steps: readonly StepInfo[]): Readonly<Record<Keep, readonly StepInfo[]>> {
  const { start, layers } = anatomyOfSteps(steps)
  const stream = new Set([start, ...layers.map((layer) => layer.stream)])
  const read = new Set(steps.flatMap(({ inputs }) => inputs))
  return {
    residuals: steps.filter(({ name }) => stream.has(name)),
    attention: steps.filter(({ op }) => op === 'softmax'),
    // Parts that adapters make logits of are read again, the logits themselves by no step.
    logits: steps.filter(({ axes, name }) => axes.at(-1)?.kind === 'vocabulary' && !read.has(name)),
    everything: steps,
  }
}

export interface SavedTraceState {
  opening: OpenPhase
  saving: SavePhase
  parts: readonly Keep[]
  /** The file on show; it stays when another one cannot be opened. */
  shown: { name: string; trace: SavedTrace } | null
  /** The step whose tensor is on show. */
  step: string
  /** The selected position. */
  row: number
}

/** A trace file ready to be handed over. */
export interface TraceFile {
  name: string
  blob: Blob
}

/** Trace files: one open at a time, and the run on the page to be saved as one. */
export class SavedTraces {
  readonly state = createStore<SavedTraceState>()(() => ({
    opening: { kind: 'idle' },
    saving: { kind: 'idle' },
    parts: ['residuals', 'attention', 'logits'],
    shown: null,
    step: '',
    row: 0,
  }))
  private readonly session: Session
  /** Counts openings; what arrives for an older one is dropped. */
  private run = 0

  constructor(session: Session) {
    this.session = session
  }

  /** Opens a file in place of the one on show, which stays if that fails. */
  async open(source: Blob, name: string): Promise<void> {
    await this.show(name, () => Promise.resolve(source))
  }

  /** Opens a trace that lies beside the page. */
  async fetch(address: string): Promise<void> {
    const name = address.slice(address.lastIndexOf('/') + 1)
    await this.show(name, async () => {
      const answer = await fetch(address)
      if (answer.ok) return answer.blob()
      throw new TokenscopeError('network', `${name} could not be fetched: ${answer.status}.`, {
        hint: 'Try again, or open a file of your own.',
        details: { address, status: answer.status },
      })
    })
  }

  close(): void {
    this.run += 1
    this.state.setState({ shown: null, opening: { kind: 'idle' }, saving: { kind: 'idle' } })
  }

  selectStep(step: string): void {
    this.state.setState({ step })
  }

  selectRow(row: number): void {
    const { shown } = this.state.getState()
    const last = (shown?.trace.ids.length ?? 0) - 1
    if (last >= 0) this.state.setState({ row: Math.min(last, Math.max(0, row)) })
  }

  toggleKeep(one: Keep): void {
    const { parts } = this.state.getState()
    const next = parts.includes(one) ? parts.filter((other) => other !== one) : [...parts, one]
    this.state.setState({ parts: next, saving: { kind: 'idle' } })
  }

  /** Runs the text on the page once more and packs it; null when that fails, which the state then says. */
  async save(): Promise<TraceFile | null> {
    const { model, log } = this.session
    if (model === null) return null
    const ids = log.idsBefore(log.tokens.length)
    this.state.setState({ saving: { kind: 'saving', tokens: ids.length } })
    try {
      const bytes = await model.saveTrace(ids, {
        probes: await this.probes(model, ids.length),
        tokens: [...log.tokens],
        promptLength: log.promptIds.length,
        settings: { ...log.settings },
      })
      const name = traceName(model.info.id, [...log.promptTexts, ...log.tokens.map(({ text }) => text)])
      this.state.setState({ saving: { kind: 'saved', name, bytes: bytes.length } })
      return {
        name,
        blob: new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }),
      }
    } catch (error) {
      this.state.setState({ saving: { kind: 'failed', error: toErrorData(error) } })
      return null
    }
  }

  private async probes(model: Model, rows: number): Promise<string[]> {
    const { parts } = this.state.getState()
    const kept = stepsToKeep(await model.steps({ rows }))
    return [...new Set(parts.flatMap((one) => kept[one].map(({ name }) => name)))]
  }

  private async show(name: string, read: () => Promise<Blob>): Promise<void> {
    const run = ++this.run
    this.state.setState({ opening: { kind: 'opening', name } })
    try {
      const trace = await openTrace(await read())
      if (run !== this.run) return
      const kept = trace.steps.filter(({ stats }) => stats !== null).map((step) => step.name)
      const { step } = this.state.getState()
      this.state.setState({
        opening: { kind: 'idle' },
        shown: { name, trace },
        step: kept.includes(step) ? step : (kept.at(-1) ?? trace.steps[0]?.name ?? ''),
        row: Math.max(0, trace.ids.length - 1),
      })
    } catch (error) {
      if (run === this.run)
        this.state.setState({ opening: { kind: 'failed', name, error: toErrorData(error) } })
    }
  }
}

/** Bytes of the tensors of every choice, before packing, for a text of `rows` tokens. */
export async function keepSizes(model: Model, rows: number): Promise<Readonly<Record<Keep, number>>> {
  const kept = stepsToKeep(await model.steps({ rows }))
  const size = (one: Keep): number =>
    kept[one].reduce(
      (sum, { output }) => sum + output.shape.reduce((product, count) => product * count, 4),
      0,
    )
  return {
    residuals: size('residuals'),
    attention: size('attention'),
    logits: size('logits'),
    everything: size('everything'),
  }
}

/** Bytes of the tensors of several choices; everything holds the others. */
export function sizeOf(parts: readonly Keep[], sizes: Readonly<Record<Keep, number>>): number {
  if (parts.includes('everything')) return sizes.everything
  return parts.reduce((sum, one) => sum + sizes[one], 0)
}

/** The most a trace file may hold. */
export const MAX_BYTES = LIMITS.file

const WORDS = 4

/** `<model>-<first words>.tokenscope`, in letters that every file system takes. */
export function traceName(modelId: string, texts: readonly string[]): string {
  const words = texts.join('').match(/[\p{L}\p{N}]+/gu) ?? []
  const model = /[^/\\]*$/.exec(modelId.replace(/[/\\]+$/, ''))?.[0] ?? ''
  const parts = [model.replace(/[^\p{L}\p{N}.-]+/gu, '-'), ...words.slice(0, WORDS)]
  return `${parts.filter((part) => part !== '').join('-')}${EXTENSION}`
}

/** The trace files of a page. */
export const savedTracesOf = perSession((session) => new SavedTraces(session))
