import { benchAdapters } from './adapters.ts'
import { tuneVariants, type VariantChoice } from './autotune.ts'
import { openBenchDevice, type Result } from './harness.ts'
import { checkBars } from './bars.ts'
import type { AdapterClass } from '../src/gpu/variants.ts'
import { benchDispatch } from './dispatch.ts'
import { benchContext, benchLayers } from './layers.ts'
import { benchFormatDecode } from './formatDecode.ts'
import { benchFormatSpeed } from './formatSpeed.ts'
import { benchLoading } from './loading.ts'
import { benchModel } from './model.ts'
import { benchMatvec, benchPrefill, type SuiteOptions } from './products.ts'
import { benchSteps } from './steps.ts'
import { benchTraining } from './training.ts'
import { benchSets } from './trainingSets.ts'
import { benchWholeLoad } from './wholeLoad.ts'
import { benchViews } from './views.ts'

/** Every suite, in the order it runs. */
const SUITES = {
  dispatch: benchDispatch,
  matvec: benchMatvec,
  prefill: benchPrefill,
  context: benchContext,
  steps: benchSteps,
  layers: benchLayers,
  adapters: benchAdapters,
  formats: benchFormatSpeed,
  decode: benchFormatDecode,
  loading: benchLoading,
  load: benchWholeLoad,
  model: benchModel,
  views: benchViews,
  train: benchTraining,
  sets: benchSets,
} as const

export { checkBars }
export type SuiteName = keyof typeof SUITES
export const SUITE_NAMES = Object.keys(SUITES) as SuiteName[]

/** Runs the suites on this machine's device and hands out one result after the other; resolves to the device's class. */
export async function runSuites(
  names: readonly SuiteName[],
  options: SuiteOptions,
  onResult: (result: Result) => void,
): Promise<AdapterClass> {
  const opened = await openBenchDevice(options.vendor)
  const emit = (result: Omit<Result, 'adapter'>): void =>
    onResult({ adapter: opened.adapter, ...result } as Result)
  for (const name of names) await SUITES[name](opened, emit, options)
  opened.device.destroy()
  return opened.kind
}

/** Measures every choice of the variant table on this device's class, and says which is best. */
export async function autotune(
  options: SuiteOptions,
  onResult: (result: Result) => void,
): Promise<VariantChoice> {
  const opened = await openBenchDevice(options.vendor)
  const emit = (result: Omit<Result, 'adapter'>): void =>
    onResult({ adapter: opened.adapter, ...result } as Result)
  const choice = await tuneVariants(opened, emit, options)
  opened.device.destroy()
  return choice
}
