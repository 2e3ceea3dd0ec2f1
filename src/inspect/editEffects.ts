import type { EditEffect } from '../api/editEffects.ts'
import type { Edit } from '../api/forward.ts'
import { invariant, throwIfAborted } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { isCausal } from '../program/mask.ts'
import type { Program } from '../program/step.ts'
import { MAX_ROWS } from '../run/rows.ts'
import { BaseLogits } from './divergence.ts'
import { EditedGroup } from './editedGroup.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from './forward.ts'
import { traceParts } from './trace.ts'
import type { TakeTurn } from './turn.ts'

/** Bytes of what groups take over from the run without edits; more of them go in several bundles. */
const TAKEN_BYTES = 128 * 1024 * 1024
/** Bytes of logits of one forward. */
const LOGIT_BYTES = 16 * 1024 * 1024

interface SweepOptions {
  readonly turn: TakeTurn
  readonly signal?: AbortSignal | undefined
}

/** Sets by the layer in which the first of their edits acts: they share what is before it. */
function byLayer({ steps }: Program, sets: readonly (readonly Edit[])[]): number[][] {
  const groups = new Map<number, number[]>()
  sets.forEach((edits, set) => {
    const first = steps.find(({ name }) => edits.some(({ step }) => step === name))
    const layer = first?.layer ?? -1
    groups.set(layer, [...(groups.get(layer) ?? []), set])
  })
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

/** Rows of one forward: of a text whose rows see later ones always all. */
function rowsAtOnce({ runner, ids, conditions }: ForwardInput): number {
  const fitting = Math.floor(LOGIT_BYTES / (runner.model.vocab * 4))
  const most = Math.max(1, Math.min(MAX_ROWS, fitting))
  const causal = isCausal(conditions.mask ?? runner.model.mask)
  return causal ? most : ids.length * Math.max(1, Math.floor(most / ids.length))
}

/** Neighbouring groups that together take no more than {@link TAKEN_BYTES}. */
function bundlesOf(groups: readonly EditedGroup[]): EditedGroup[][] {
  const bundles: EditedGroup[][] = []
  let bytes = Infinity
  for (const group of groups) {
    bytes += group.takenBytes
    if (bytes > TAKEN_BYTES) {
      bundles.push([])
      bytes = group.takenBytes
    }
    bundles.at(-1)?.push(group)
  }
  return bundles
}

/** Logits without edits: [ids.length, vocab]. */
async function readLogits({ runner, ids, conditions }: ForwardInput): Promise<Float32Array> {
  const { vocab } = runner.model
  const logits = new Float32Array(ids.length * vocab)
  for await (const { part, read } of traceParts(runner, ids, ['logits'], conditions)) {
    const rows = read.get('logits')
    invariant(rows, 'logits were probed')
    logits.set(rows, part.begin * vocab)
  }
  return logits
}

/** Outputs of the forward without edits that the groups begin from. */
async function readTaken(
  input: ForwardInput,
  groups: readonly EditedGroup[],
): Promise<ReadonlyMap<string, LedgerBuffer>> {
  const names = new Set(groups.flatMap(({ taken }) => taken))
  const steps = fineProgram(input).steps.filter(({ name }) => names.has(name))
  const tensors = await createTensors(input.runner, steps)
  try {
    const { run } = await runKept(input, tensors, false)
    run.dispose()
    return tensors
  } catch (error) {
    tensors.forEach((buffer) => input.runner.ledger.destroy(buffer))
    throw error
  }
}

async function* runBundle(
  input: ForwardInput,
  groups: readonly EditedGroup[],
  base: BaseLogits,
  { turn, signal }: SweepOptions,
): AsyncGenerator<readonly EditEffect[]> {
  throwIfAborted(signal)
  const tensors = await turn(() => readTaken(input, groups))
  try {
    for (const group of groups) yield* group.run(tensors, base, { turn, signal })
  } finally {
    tensors.forEach((buffer) => input.runner.ledger.destroy(buffer))
  }
}

/**
 * The text under each set of edits, many edited texts in one forward: of every one only what lies behind its edits runs, over what one
 * run without edits has left, and pages of its own. Sets that act first in the same layer run together; their effects come as they are
 * there. `input`: without edits.
 * @throws `bad-argument` for an edit at no step, `aborted`, also where adapters are swapped meanwhile
 */
export async function* measureEdits(
  input: ForwardInput,
  sets: readonly (readonly Edit[])[],
  options: SweepOptions,
): AsyncGenerator<readonly EditEffect[]> {
  const { runner, ids } = input
  const acting = byLayer(fineProgram(input), sets)
    .map((group) => group.filter((set) => (sets[set]?.length ?? 0) > 0))
    .filter((group) => group.length > 0)
  const groups: EditedGroup[] = []
  try {
    for (const group of acting)
      groups.push(
        new EditedGroup(
          input,
          group.map((set) => ({ set, edits: sets[set] ?? [] })),
          rowsAtOnce(input),
        ),
      )
    const none = sets.flatMap((edits, set) => (edits.length === 0 ? [{ set, kl: ids.map(() => 0) }] : []))
    if (none.length > 0) yield none
    if (groups.length === 0) return
    const base = new BaseLogits(await options.turn(() => readLogits(input)), runner.model.vocab)
    for (const bundle of bundlesOf(groups)) yield* runBundle(input, bundle, base, options)
  } finally {
    for (const group of groups) group.dispose()
  }
}
