import { TokenscopeError, invariant } from '../errors.ts'
import type { TensorData } from '../api/forward.ts'
import type { GradientOptions, TrainExample } from '../api/train.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { CONTROL, TARGETS } from '../ops/backward/loss.ts'
import type { TrainedFactors } from '../ops/backward/tape.ts'
import { tensorBytes } from '../program/arena.ts'
import { withAdapters } from '../program/changes.ts'
import { elementsOf, matchesPattern, shapeOf, type ProgramSize, type Step } from '../program/step.ts'
import { batchWords } from '../run/batch.ts'
import type { Conditions } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import { backward, reaching, type Backward } from './backward.ts'
import { loraOf, placedParts, type PlacedPart } from './loraParts.ts'
import { lossProgram, type LossProgram } from './program.ts'
import { withReplay } from './replay.ts'
import { packTexts, sizeOf } from './texts.ts'
import { TrainBuffers } from './trainBuffers.ts'

/** Everything that adapters train on a product, side by side, in a gradient of its own. */
function allFactors(_: Step, { ranks }: PlacedPart): TrainedFactors {
  const fullFactor = { at: 0, begin: 0, run: 1, stride: 1 }
  return { rank: 0, ranks, a: fullFactor, b: fullFactor }
}

interface Recorded {
  readonly program: LossProgram
  readonly pass: Backward
  /** Forward and backward steps that the probed ones need. */
  readonly steps: readonly Step[]
  /** Step whose output each probed name stands for. */
  readonly probed: ReadonlyMap<string, Step>
}

/** Steps whose output each probe means: backward steps by name, and gradients of outputs wherever they arrive. */
function probedSteps(
  steps: readonly Step[],
  { gradients }: Backward,
  probes: readonly string[],
): Map<string, Step> {
  const byName = new Map(steps.map((step) => [step.name, step]))
  const names = new Map<string, string>(steps.map(({ name }) => [name, name]))
  for (const [step, gradient] of gradients) names.set(`${step}.dy`, gradient)
  const probed = new Map<string, Step>()
  for (const probe of probes) {
    const matching = [...names].filter(([name]) => matchesPattern(name, probe))
    for (const [name, gradient] of matching) {
      const step = byName.get(gradient)
      if (step) probed.set(name, step)
    }
    if (matching.length > 0) continue
    throw new TokenscopeError('bad-argument', `No gradient of this model matches the probe "${probe}".`, {
      hint: 'Gradients are named after their step: layers.0.attn.q.dx, .dy, .dA, .dB; * stands for a run of characters without a dot.',
      details: { probe },
    })
  }
  return probed
}

/** Records the passes over texts of so many rows, with the gradients of everything. */
export function recordPass(
  runner: Runner,
  size: ProgramSize,
): { readonly program: LossProgram; readonly pass: Backward } {
  const plain = runner.model.record(size)
  const recorded = runner.adapters ? withAdapters(plain, runner.adapters) : plain
  const places = runner.adapters ? placedParts(recorded, runner.adapters) : new Map<string, PlacedPart>()
  const program = lossProgram(recorded)
  return { program, pass: backward(program, { lora: loraOf(places, allFactors), everything: true }) }
}

/** Records the passes over one text, and keeps what the probes need. `replay`: layers run again before their backward pass. */
export function recordGradients(
  runner: Runner,
  text: TrainExample,
  { probes, replay = false }: { readonly probes: readonly string[]; readonly replay?: boolean },
): Recorded {
  const { rows, counted, longest } = sizeOf([text])
  const { program, pass } = recordPass(runner, { rows, logitRows: counted, positions: longest })
  const all = replay ? withReplay(program.steps, pass.steps) : [...program.steps, ...pass.steps]
  const probed = probedSteps(all, pass, probes)
  const roots = new Set([...probed.values()].map(({ name }) => name))
  return { program, pass, steps: reaching(all, roots), probed }
}

/** What the runs of one text and its probes read. */
function makeBuffers(buffers: TrainBuffers, { program, probed }: Recorded): Map<string, LedgerBuffer> {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
  const ownBuffers = new Map<string, LedgerBuffer>()
  for (const step of probed.values())
    if (!ownBuffers.has(step.name))
      ownBuffers.set(step.name, buffers.create(step.name, tensorBytes(shapeOf(step)), STORAGE | COPY_SRC))
  ownBuffers.set(TARGETS, buffers.create(TARGETS, program.logitRows * 4, STORAGE | COPY_DST))
  ownBuffers.set(CONTROL, buffers.create(CONTROL, 64, STORAGE | COPY_DST))
  return ownBuffers
}

/**
 * Gradients of the mean loss over the counted tokens of one text, read back by name. The caller has checked the text, and holds the
 * turn of adapters. @throws `bad-argument` for a probe that names nothing, `unsupported` for an op that has no backward rule.
 */
export async function readGradients(
  runner: Runner,
  text: TrainExample,
  conditions: Conditions,
  { probes, replay = false }: Pick<GradientOptions, 'probes'> & { readonly replay?: boolean },
): Promise<Map<string, TensorData>> {
  const recorded = recordGradients(runner, text, { probes, replay })
  const { program, steps, probed } = recorded
  const buffers = new TrainBuffers(runner)
  try {
    const ownBuffers = makeBuffers(buffers, recorded)
    const words = batchWords(program.rows, 1, 1)
    const batch = buffers.create('batch', words * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST)
    const bound = await buffers.bind({ ...program, steps }, runner.adapters, batch, ownBuffers)
    const { rows, targets } = packTexts([text], conditions.scales)
    write(runner, ownBuffers.get(TARGETS), targets)
    write(runner, ownBuffers.get(CONTROL), Float32Array.of(1 / targets.length))
    runner.executor.run({ label: 'gradients', bound, batch, words: runner.pack(rows), rows: rows.length })
    const read = new Map<string, TensorData>()
    for (const [name, step] of probed) {
      const buffer = ownBuffers.get(step.name)
      invariant(buffer, `${name} has a buffer`)
      const data = await runner.executor.readElements(buffer.gpu, [[0, elementsOf(step)]])
      read.set(name, { shape: shapeOf(step), axes: step.axes, data })
    }
    return read
  } finally {
    buffers.dispose()
  }
}

function write(
  runner: Runner,
  buffer: LedgerBuffer | undefined,
  values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): void {
  invariant(buffer, 'the pass has its inputs')
  runner.device.queue.writeBuffer(buffer.gpu, 0, values)
}
