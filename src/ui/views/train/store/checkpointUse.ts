import type { Model } from '../../../../api/model.ts'
import { toErrorData, TokenscopeError } from '../../../../errors.ts'
import { freeName } from '../../../../state/adapterScales.ts'
import type { Adapters } from '../../../../state/adapters.ts'
import type { AdapterFiles } from './keptRuns.ts'
import { isUnderWay } from './runState.ts'
import type { TrainRun } from './trainRun.ts'

/** What is done with one checkpoint of a run. */
export interface CheckpointUse {
  run: TrainRun
  adapters: Adapters
  model: Model
}

async function filesOf(run: TrainRun, steps: number): Promise<AdapterFiles> {
  const files = await run.filesAt(steps)
  if (files !== null) return files
  throw new TokenscopeError('storage', `The checkpoint after step ${steps} is no longer kept.`, {
    hint: 'Choose another one.',
    details: { steps },
  })
}

/**
 * Adds a checkpoint as an adapter of its own, beside the one that learns. While that one does it is off, since other adapters act in
 * training.
 */
export async function loadCheckpoint({ run, adapters, model }: CheckpointUse, steps: number): Promise<void> {
  const files = await filesOf(run, steps)
  const { run: info, phase } = run.state.getState()
  const taken = adapters.state.getState().tracks.map((track) => track.name)
  const name = freeName(`${info?.name ?? 'checkpoint'} @${steps}`, taken)
  const enabled = !isUnderWay(phase)
  const { id, report } = await model.addAdapter(files, { name, scale: enabled ? 1 : 0 })
  adapters.put({ id, name, scale: 1, enabled, origin: { kind: 'files' }, report }, files)
}

/** Goes on learning from a checkpoint; what came after it is given up. */
export async function trainFrom({ run }: CheckpointUse, steps: number): Promise<void> {
  await run.start({ steps, files: await filesOf(run, steps) })
}

/** Counts the held-out prompts that a checkpoint answers word for word, beside the base. Being stopped is no failure. */
export async function countAt({ run, adapters, model }: CheckpointUse, steps: number): Promise<void> {
  const others = adapters.scales
  const { id } = await model.addAdapter(await filesOf(run, steps), { name: `checkpoint ${steps}`, scale: 0 })
  try {
    await run.count(model, steps, id, others)
  } catch (error) {
    if (toErrorData(error).code !== 'aborted') throw error
  } finally {
    await model.removeAdapter(id)
  }
}

/** Asks every checkpoint to go on from the prompt as it stands, each as an adapter that acts only in that run. */
export async function askAgain({ run, adapters, model }: CheckpointUse): Promise<void> {
  const others = adapters.scales
  for (const { steps } of run.state.getState().checkpoints) {
    const files = await filesOf(run, steps)
    const { id } = await model.addAdapter(files, { name: `checkpoint ${steps}`, scale: 0 })
    try {
      await run.ask(model, steps, id, others)
    } finally {
      await model.removeAdapter(id)
    }
  }
}
