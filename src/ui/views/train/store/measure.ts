import type { AdapterScale, Model, TrainExample } from '../../../../api/model.ts'
import { throwIfAborted } from '../../../../errors.ts'
import { lensWords, type RunCheckpoint, type LensWord } from './checkpoints.ts'
import type { HeldOutLoss } from './curve.ts'
import type { EncodedExample } from './encodeRecords.ts'
import { heldOutRewards, isPreference } from './preferences.ts'

/** Most examples that a held-out loss is measured on each time. */
export const MAX_HELD = 16
/** Tokens of a sample. */
export const SAMPLE_TOKENS = 48

interface Under {
  adapters: readonly AdapterScale[]
  signal: AbortSignal
}

/** What examples that are not learned from come to; null where there are none. `id`: the adapter that learns, `beta`: of preferences. */
export async function heldOut(
  model: Pick<Model, 'score'>,
  examples: readonly EncodedExample[],
  { adapters, signal, id, beta }: Under & { id: string; beta: number },
): Promise<Omit<HeldOutLoss, 'steps'> | null> {
  const some = examples.slice(0, MAX_HELD)
  const preferences = some.filter(isPreference)
  if (preferences.length > 0) {
    const reference = adapters.filter((one) => one.id !== id)
    return heldOutRewards(model, preferences, { beta, adapters, reference, signal })
  }
  const loss = await heldOutLoss(model, some, { adapters, signal })
  return loss === null ? null : { loss }
}

/** Mean nats over the counted tokens of examples; null where there are none. */
async function heldOutLoss(
  model: Pick<Model, 'score'>,
  examples: readonly TrainExample[],
  { adapters, signal }: Under,
): Promise<number | null> {
  let [nats, counted] = [0, 0]
  for (const { ids, mask } of examples) {
    throwIfAborted(signal)
    for await (const chunk of model.score(ids, { adapters, topLogprobs: 1, signal }))
      for (const { position, logprob } of chunk)
        if (mask[position] === 1) {
          nats -= logprob
          counted += 1
        }
  }
  return counted === 0 ? null : nats / counted
}

/** What the model writes behind these ids, greedily. */
async function sampleText(
  model: Pick<Model, 'generate'>,
  ids: readonly number[],
  { adapters, signal }: Under,
): Promise<string> {
  const options = { adapters, signal, temperature: 0, topLogprobs: 1, maxTokens: SAMPLE_TOKENS }
  let text = ''
  for await (const token of model.generate(ids, options)) text += token.text
  return text
}

/** What every layer would say behind the last of these ids. */
async function readLens(
  model: Pick<Model, 'lens' | 'tokenTexts'>,
  ids: readonly number[],
  adapters: readonly AdapterScale[],
): Promise<LensWord[]> {
  const lens = await model.lens(ids, { adapters, positions: [ids.length - 1], topK: 1 })
  const firsts = [...new Set(lens.cells.flatMap(({ top: [first] }) => (first ? [first.id] : [])))]
  const texts = await Promise.all(firsts.map(async (id) => (await model.tokenTexts([id]))[0] ?? ''))
  return lensWords(lens, (id) => texts[firsts.indexOf(id)] ?? '')
}

/** Ids of a prompt: those of the example it is taken from, else what its text is read as. */
async function promptIds(
  model: Pick<Model, 'encode'>,
  prompt: string,
  examples: readonly EncodedExample[],
): Promise<readonly number[]> {
  const listed = prompt === '' ? undefined : examples.find((example) => example.prompt === prompt)
  return listed?.promptIds ?? (await model.encode(prompt, { addSpecialTokens: true, parseSpecial: true }))
}

/** What is written behind a prompt, and what each layer would say there. */
export async function speak(
  model: Pick<Model, 'encode' | 'generate' | 'lens' | 'tokenTexts'>,
  prompt: string,
  examples: readonly EncodedExample[],
  under: Under,
): Promise<Pick<RunCheckpoint, 'sample' | 'lens'>> {
  const ids = await promptIds(model, prompt, examples)
  if (ids.length === 0) return { sample: { prompt, text: '' }, lens: [] }
  const text = await sampleText(model, ids, under)
  return { sample: { prompt, text }, lens: await readLens(model, ids, under.adapters) }
}

/** What comes before the learned part of the first example kept back; of prose its first words. */
export async function firstPrompt(
  model: Pick<Model, 'decode'>,
  examples: readonly EncodedExample[],
): Promise<string> {
  const [example] = examples
  if (!example) return ''
  return example.prompt || model.decode(example.ids.slice(0, Math.min(6, example.ids.length - 1)))
}
