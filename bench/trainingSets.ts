import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { NewAdapterOptions, TrainExample, TrainOptions } from '../src/api/train.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel, type Model } from '../src/index.ts'
import type { Emit } from './harness.ts'
import { TALES_FOLDER } from './model.ts'
import type { SuiteOptions } from './products.ts'

interface Pair {
  readonly prompt: string
  readonly completion: string
}

interface ListedSet {
  readonly name: string
  readonly file: string
  /** Pairs at the end of the file that are not for training. */
  readonly heldOut: number
  readonly settings: TrainOptions
  readonly adapter: Omit<NewAdapterOptions, 'name'>
}

export interface TrainingSet extends Omit<ListedSet, 'file' | 'heldOut'> {
  readonly learned: readonly Pair[]
  readonly heldOut: readonly Pair[]
}

const FOLDER = fileURLToPath(new URL('../public/training/', import.meta.url))

/** The sets that the page offers which have one answer to a prompt. */
export function readSets(): TrainingSet[] {
  const listed = JSON.parse(readFileSync(`${FOLDER}index.json`, 'utf8')) as ListedSet[]
  const answered = listed.filter(({ settings }) => settings.objective !== 'dpo')
  return answered.map(({ file, heldOut, ...set }) => {
    const lines = readFileSync(`${FOLDER}${file}`, 'utf8').trimEnd().split('\n')
    const pairs = lines.map((line) => JSON.parse(line) as Pair)
    return { ...set, learned: pairs.slice(0, -heldOut), heldOut: pairs.slice(-heldOut) }
  })
}

/** Prompts and completions with the end behind them; the completions count. */
export async function examplesOf(model: Model, pairs: readonly Pair[]): Promise<TrainExample[]> {
  const examples: TrainExample[] = []
  for (const { prompt, completion } of pairs) {
    const asked = await model.encode(prompt)
    const answer = await model.encode(completion, { addSpecialTokens: false })
    const ids = [...asked, ...answer, ...model.info.eosIds.slice(0, 1)]
    examples.push({ ids, mask: ids.map((_, i): 0 | 1 => (i < asked.length ? 0 : 1)) })
  }
  return examples
}

async function answerTo(model: Model, prompt: string): Promise<string> {
  let text = ''
  for await (const token of model.generate(prompt, { temperature: 0, maxTokens: 48 })) text += token.text
  return text
}

/** Share of the pairs whose completion is written word for word. */
export async function answersOf(model: Model, pairs: readonly Pair[]): Promise<number> {
  let exact = 0
  for (const { prompt, completion } of pairs) if ((await answerTo(model, prompt)) === completion) exact += 1
  return exact / pairs.length
}

/** Trains one of the built-in sets as the page would, and looks in between at what it does to sentences it has not seen. */
async function trainSet(model: Model, set: TrainingSet, emit: Emit): Promise<void> {
  const { name, learned, heldOut, settings, adapter } = set
  const examples = await examplesOf(model, learned)
  const tell = (step: number, seconds: number, loss: number | null, exact: number): void =>
    emit({ name: 'sets.exact', value: exact, unit: 'of 1', shape: name, step, seconds, loss })
  tell(0, 0, null, await answersOf(model, heldOut))
  const { id } = await model.newAdapter({ name, ...adapter })
  let seconds = 0
  let started = performance.now()
  for await (const { index, loss } of model.train(id, examples, settings)) {
    const isLast = index + 1 === settings.steps
    if ((index + 1) % 20 !== 0 && !isLast) continue
    seconds += (performance.now() - started) / 1000
    tell(index + 1, seconds, loss, await answersOf(model, isLast ? heldOut : heldOut.slice(0, 20)))
    started = performance.now()
  }
  await model.removeAdapter(id)
}

/** The built-in sets: exact answers to held-out prompts by steps and seconds. `shapes` names the sets. */
export async function benchSets(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const model = await loadModel(TALES_FOLDER, { device: opened.device, variant: options.variant })
  for (const set of readSets())
    if (options.shapes?.includes(set.name) ?? true) await trainSet(model, set, emit)
  await model.dispose()
}
