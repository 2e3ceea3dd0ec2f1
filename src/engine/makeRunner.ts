import type { LoadProgress, Variant } from '../api/model.ts'
import { TokenscopeError, throwIfAborted } from '../errors.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import { baselineVariant } from '../gpu/variants.ts'
import { findDisagreement } from '../inspect/selfTest.ts'
import { Runner, type RunnerOptions } from '../run/runner.ts'

/** Runs work that allocates. Throws `out-of-memory` when the GPU had too little for it, whatever else went wrong then. */
export async function withinMemory<T>(
  device: GPUDevice,
  ledger: BufferLedger,
  work: () => Promise<T>,
): Promise<T> {
  device.pushErrorScope('out-of-memory')
  const [result] = await Promise.allSettled([work()])
  const { gpuBytes } = ledger.report()
  const shortage = await device.popErrorScope()
  if (shortage) {
    throw new TokenscopeError('out-of-memory', 'The GPU has not enough memory for this model.', {
      hint: 'Choose a smaller model, a shorter context, or a quantised weight format.',
      details: { message: shortage.message, bytes: gpuBytes },
    })
  }
  if (result.status === 'rejected') throw result.reason
  return result.value
}

interface MakeOptions {
  forced: boolean
  filled: Promise<unknown>
  signal: AbortSignal | undefined
  onStage: StageListener
}

/**
 * A runner whose kernels agree with the host: the chosen variant's, or the plain one's with a warning. Its programs are recorded while
 * weights still come: `filled` resolves when all are on their way to the GPU.
 */
export async function makeRunner(
  parts: Omit<RunnerOptions, 'variant'>,
  chosen: Variant,
  { forced, filled, signal, onStage }: MakeOptions,
): Promise<{ runner: Runner; warnings: string[] }> {
  const tryVariant = async (variant: Variant): Promise<{ runner: Runner; complaint: string | null }> => {
    throwIfAborted(signal)
    const runner = new Runner({ ...parts, variant })
    await filled
    throwIfAborted(signal)
    onStage('compile')
    await Promise.all([runner.prepareSelect(), runner.live(1, 1), runner.live(8, 1)])
    throwIfAborted(signal)
    onStage('self-test')
    const complaint = await findDisagreement(runner)
    throwIfAborted(signal)
    return { runner, complaint }
  }
  const first = await tryVariant(chosen)
  if (first.complaint === null) return { runner: first.runner, warnings: [] }
  const wrong = `The kernel variant ${chosen.name} computes wrong results on this device (${first.complaint})`
  const baseline = baselineVariant(parts.opened.kind)
  if (forced || chosen.name === baseline.name) {
    return { runner: first.runner, warnings: [`${wrong}: do not trust what this model shows here.`] }
  }
  await first.runner.dispose()
  const second = await tryVariant(baseline)
  const instead = `${baseline.name} is used instead`
  const doubt = second.complaint === null ? '' : `, and is wrong too (${second.complaint})`
  return { runner: second.runner, warnings: [`${wrong}; ${instead}${doubt}.`] }
}

/** Hears which stage loading has reached. */
export type StageListener = (stage: LoadProgress['stage']) => void
