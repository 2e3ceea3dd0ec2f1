import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { loadModel, type LoadOptions, type Model } from '../../src/index.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import { describeDevice } from '../../src/gpu/device.ts'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { PipelineCache } from '../../src/gpu/pipelines.ts'
import { chooseVariant } from '../../src/gpu/variants.ts'
import { MODEL_TYPES, describeModel } from '../describeModel.ts'
import { plainLogits, type BatchRow } from '../../src/run/batch.ts'
import type { Sequence } from '../../src/run/cache.ts'
import { loadWeights } from '../../src/weights/load.ts'
import { Runner, type RunnerOptions } from '../../src/run/runner.ts'
import { WeightStore } from '../../src/weights/store.ts'
import type { LoadFormat } from '../../src/api/model.ts'
import { testDevice, type TestDeviceOptions } from './device.ts'

export const ROOT = join(import.meta.dirname, '../..')
export const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(ROOT, '../shared'))
export const TALES = join(ROOT, 'public/models/tales-3m')
export const TINY = join(ROOT, 'tests/fixtures/models')

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

const KNOWN_TYPES = new Set(MODEL_TYPES)

const typeOf = (folder: string): string =>
  (readJson(join(folder, 'config.json')) as { model_type: string }).model_type

/** Checkpoints of the architectures there are; the references know more. */
export const checkpointsIn = (folder: string): string[] =>
  readdirSync(folder).filter(
    (name) => existsSync(join(folder, name, 'expected.json')) && KNOWN_TYPES.has(typeOf(join(folder, name))),
  )

export const TINY_MODELS = checkpointsIn(TINY)

const ENCODERS = ['bert', 'camembert', 'distilbert', 'modernbert', 'roberta', 'xlm-roberta']

/** Whether models of a type see all of a text and fill masks. */
export const isEncoder = (modelType: string): boolean => ENCODERS.includes(modelType)

/** Those that write on. */
export const DECODERS = TINY_MODELS.filter((name) => !isEncoder(typeOf(join(TINY, name))))

/** Files of a model folder, with `config.json` taken from another of them. */
export function withConfig(folder: string, config: string): Map<string, Uint8Array> {
  const names = readdirSync(folder).filter((name) => /\.(json|safetensors)$/.test(name))
  const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]))
  files.set('config.json', new Uint8Array(readFileSync(join(folder, config))))
  return files
}

/** Loads on the test device, runs, and sees to it that nothing stays on the GPU. */
export function withModel(
  source: Parameters<typeof loadModel>[0],
  options: Omit<LoadOptions, 'device'>,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  return withModelOn({ limits: 'adapter', features: 'all' }, source, options, run)
}

/** The same on a device without features, whose kernels compile sooner. */
export function withPlainModel(
  source: Parameters<typeof loadModel>[0],
  options: Omit<LoadOptions, 'device'>,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  return withModelOn({}, source, options, run)
}

async function withModelOn(
  wanted: TestDeviceOptions,
  source: Parameters<typeof loadModel>[0],
  options: Omit<LoadOptions, 'device'>,
  run: (model: Model) => Promise<void>,
): Promise<void> {
  const { device } = await testDevice(wanted)
  const model = await loadModel(source, { ...options, device })
  try {
    await run(model)
  } finally {
    await model.dispose()
  }
  expect((await model.memory()).gpuBytes).toBe(0)
}

interface RunnerParts extends Pick<RunnerOptions, 'room'> {
  format?: LoadFormat
  /** Forces matrices into shards. */
  maxBytes?: number
  context?: number
  /** As if the device could bind no larger buffers. */
  largestBinding?: number
}

/** A model without tokenizer or interface, for tests of rows and pages. */
export async function withRunner(
  folder: string,
  { format = 'f32', maxBytes, context = 128, room, largestBinding }: RunnerParts,
  run: (runner: Runner) => Promise<void>,
): Promise<void> {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const opened = describeDevice(device)
  const checkpoint = await openCheckpoint(nodeFolderSource(folder))
  const config = readFileSync(join(folder, 'config.json'))
  const model = describeModel(parseStrictJson(config, 'config.json'), checkpoint.tensors)
  const ledger = new BufferLedger(device)
  if (largestBinding !== undefined) Object.defineProperty(ledger, 'largestBinding', { value: largestBinding })
  const weights = new WeightStore(device, ledger, maxBytes)
  const variant = chooseVariant(opened.kind, opened.features)
  const pipelines = new PipelineCache(device, variant)
  await (
    await loadWeights(checkpoint, model, weights, { format, pipelines, ledger })
  ).warnings
  try {
    const runner = new Runner({ opened, variant, model, context, ledger, weights, ...(room && { room }) })
    await runner.prepareSelect()
    await run(runner)
  } finally {
    ledger.destroyAll()
  }
}

/** A piece of a forward: the next tokens of a sequence. */
export interface Piece {
  sequence: Sequence
  tokens: readonly number[]
  /** Tokens of the whole text, where its rotation goes by them. */
  textLength?: number
}

/** Makes room for the tokens and gives their rows; the last `wanted` of them want logits, in ring rows from `ringRow` on. */
async function rowsOf(
  runner: Runner,
  { sequence, tokens, textLength }: Piece,
  wanted: number,
  ringRow: number,
): Promise<BatchRow[]> {
  const begin = sequence.tokens.length
  await runner.makeRoom(sequence, begin + tokens.length)
  sequence.tokens.push(...tokens)
  const pages = [...sequence.pages]
  return tokens.map((token, i): BatchRow => {
    const nth = i - (tokens.length - wanted)
    const logits = plainLogits(ringRow + nth)
    const { slot } = sequence
    return { token, position: begin + i, pages, slot, textLength, logits: nth >= 0 ? logits : undefined }
  })
}

/** One live forward of all pieces, whose rows may take turns; the logits of the last `wanted` rows of each, in order. */
export async function forward(
  runner: Runner,
  pieces: readonly Piece[],
  { wanted = 1, interleave = false } = {},
): Promise<Float32Array[]> {
  const lists: BatchRow[][] = []
  for (const [i, piece] of pieces.entries())
    lists.push(await rowsOf(runner, piece, Math.min(wanted, piece.tokens.length), i * wanted))
  const rows = lists.flat()
  if (interleave) {
    const turn = new Map(lists.flatMap((list) => list.map((row, i) => [row, i] as const)))
    rows.sort((a, b) => (turn.get(a) ?? 0) - (turn.get(b) ?? 0))
  }
  const logitRows = rows.filter((row) => row.logits).length
  const bound = await runner.live(rows.length, logitRows)
  runner.submit(bound, rows)
  const { vocab } = runner.model
  const result: Float32Array[] = []
  for (const list of lists) {
    for (const { logits } of list) {
      if (!logits) continue
      result.push(
        new Float32Array(await runner.read(runner.logits.gpu, logits.ringRow * vocab * 4, vocab * 4)),
      )
    }
  }
  return result
}

/** Equal to 1e-4 and of the same mind: what summing in another order may change. */
export function expectSameLogits(
  got: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  what: string,
): void {
  invariant(got, `${what} has logits`)
  let worst = 0
  let [best, other] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!)
    worst = difference <= worst ? worst : difference
    if (got[i]! > got[best]!) best = i
    if (expected[i]! > expected[other]!) other = i
  }
  expect(worst, what).toBeLessThanOrEqual(1e-4)
  expect(best, what).toBe(other)
}
