import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { KernelCheck, Model, ModelInfo } from '../../../api/model.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { readableIds } from '../../../state/textIdentity.ts'

/** What WebGPU says of the adapter. */
export interface AdapterFacts {
  /** Vendor, architecture, device and description, as far as they are told. */
  name: string
  features: readonly string[]
  limits: Readonly<Record<string, number>>
}

/** A step whose output holds values that are none, or that no f16 can hold. */
export interface OddStep {
  step: string
  nan: number
  infinite: number
  /** Finite values of at least {@link LARGE}. */
  large: number
}

export interface StepsCheck {
  tokens: number
  /** Steps that were read. */
  steps: number
  odd: readonly OddStep[]
  /** The largest finite magnitude, and the step that has it. */
  peak: { step: string; value: number }
}

export interface MachineReport {
  at: number
  browser: string
  adapter: AdapterFacts | null
  model: ModelInfo
  kernels: readonly KernelCheck[]
  values: StepsCheck
}

export type MachinePhase =
  | { kind: 'idle' }
  | { kind: 'checking'; done: number; total: number }
  | { kind: 'done'; report: MachineReport }
  | { kind: 'failed'; error: ErrorData }

/** The largest finite f16, and the least magnitude that is counted. */
export const LARGE = 65_504
/** Tokens of the page's text that are run; without a text, as many ids spread over the vocabulary. */
const MAX_TOKENS = 64
const MIN_TOKENS = 8
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const

/** Compares kernels with the host at the sizes of the loaded model, and looks at every value of a forward. */
export class MachineCheck {
  readonly state = createStore<{ phase: MachinePhase }>()(() => ({ phase: { kind: 'idle' } }))
  private readonly session: Session
  /** Counts checks; what arrives for an older one is dropped. */
  private run = 0

  constructor(session: Session) {
    this.session = session
  }

  cancel(): void {
    this.run += 1
    this.state.setState({ phase: { kind: 'idle' } })
  }

  async start(): Promise<void> {
    const { model } = this.session
    if (model === null) return
    const run = ++this.run
    const show = (phase: MachinePhase): boolean => {
      if (run === this.run) this.state.setState({ phase })
      return run === this.run
    }
    show({ kind: 'checking', done: 0, total: 0 })
    try {
      const [adapter, kernels] = await Promise.all([readAdapter(), model.selfTest()])
      const values = await checkValues(model, this.ids(model), (done, total) =>
        show({ kind: 'checking', done, total }),
      )
      if (values === null) return
      const { userAgent: browser } = navigator
      const report = { at: Date.now(), browser, adapter, model: model.info, kernels, values }
      show({ kind: 'done', report })
    } catch (error) {
      show({ kind: 'failed', error: toErrorData(error) })
    }
  }

  private ids(model: Model): number[] {
    const { log } = this.session
    const textIds = log.modelId === model.info.id ? readableIds(this.session).slice(0, MAX_TOKENS) : []
    const { vocab } = model.info
    return textIds.length > 0
      ? textIds
      : Array.from({ length: MIN_TOKENS }, (_, at) => Math.floor(((at + 1) * vocab) / (MIN_TOKENS + 1)))
  }
}

async function readAdapter(): Promise<AdapterFacts | null> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) return null
  const { info, features, limits } = adapter
  const { vendor, architecture, device, description } = info
  return {
    name: [vendor, architecture, device, description].filter((part) => part !== '').join(' '),
    features: [...features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
  }
}

/** Runs the tokens once, every step observed. Null when `onStep` wants no more. */
export async function checkValues(
  model: Pick<Model, 'inspect'>,
  ids: readonly number[],
  onStep: (done: number, total: number) => boolean,
): Promise<StepsCheck | null> {
  const inspection = await model.inspect(ids)
  try {
    const odd: OddStep[] = []
    let peak = { step: '', value: 0 }
    const { steps } = inspection
    for (const [at, { name }] of steps.entries()) {
      if (!onStep(at, steps.length)) return null
      const { nan, infinite, absMax } = await inspection.stats(name)
      // Counted only where there is one: its values have to be read back for that.
      const large = absMax >= LARGE ? countLarge((await inspection.read(name)).data) : 0
      if (nan + infinite + large > 0) odd.push({ step: name, nan, infinite, large })
      if (absMax > peak.value) peak = { step: name, value: absMax }
    }
    return { tokens: ids.length, steps: steps.length, odd, peak }
  } finally {
    await inspection.close()
  }
}

function countLarge(values: ArrayLike<number>): number {
  let count = 0
  for (let at = 0; at < values.length; at++) {
    const value = Math.abs(values[at] ?? 0)
    if (value >= LARGE && value < Infinity) count += 1
  }
  return count
}

/** True where the engine says that its adapter runs on the CPU. */
export const isSoftware = ({ backend }: ModelInfo): boolean => backend.startsWith('software ')

/** The report as plain text, to be pasted into an issue or a message. */
export function reportText({ at, browser, adapter, model, kernels, values }: MachineReport): string {
  const { id, architecture, parameters, weights, kvCache, backend, variant } = model
  const nature = isSoftware(model) ? 'software: it runs on the CPU' : 'hardware'
  const limits = Object.entries(adapter?.limits ?? {}).map(([name, value]) => `  ${name} ${value}`)
  const { tokens, steps, odd, peak } = values
  return [
    `Tokenscope, machine check of ${new Date(at).toISOString()}`,
    `browser: ${browser}`,
    `adapter: ${adapter?.name ?? 'none'} (${nature})`,
    `features: ${adapter?.features.join(', ') ?? ''}`,
    ...limits,
    `model: ${id}, ${architecture}, ${parameters} parameters, weights ${weights}, cache ${kvCache}`,
    `kernels: ${backend}, ${variant.name}`,
    ...kernels.map(({ what, error, complaint }) =>
      complaint === null ? `  ok ${what}: ${error.toExponential(1)}` : `  WRONG ${complaint}`,
    ),
    `values of ${steps} steps over ${tokens} tokens: largest ${peak.value.toPrecision(6)} at ${peak.step}`,
    ...odd.map(
      ({ step, nan, infinite, large }) =>
        `  ${step}: ${nan} NaN, ${infinite} infinite, ${large} of at least ${LARGE}`,
    ),
    ...(odd.length === 0 ? [`  none is NaN, infinite or ${LARGE} and more`] : []),
    '',
  ].join('\n')
}

export const machineCheckOf = perSession((session) => new MachineCheck(session))
