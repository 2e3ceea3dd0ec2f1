import type { ChatMessage, Model, TrainExample } from '../../../../api/model.ts'
import { toErrorData } from '../../../../errors.ts'
import { beginsWith } from '../../../../state/textIdentity.ts'
import type { BadLine, PlacedRecord } from './parseData.ts'
import { isPreference, withAnswers } from './preferences.ts'
import type { Problem, TrainRecord } from './records.ts'

/** What instruction, input and output are put into. */
export type TripletLayout = 'markers' | 'chat' | 'plain'

/** An example as the model reads it. */
export interface EncodedExample extends TrainExample {
  line: number
  /** Text before what is learned; empty of prose. */
  prompt: string
  /** Ids of it, as they stand in the example. */
  promptIds: readonly number[]
  /** What the prompt is to be answered with, word for word; null where no one answer is right. */
  answer: string | null
  /** Tokens that did not fit behind the longest length. */
  cut: number
  /** Of a preference: the answer that is to lose, behind the same prompt; the other ids are those of the one that is to win. */
  rejected?: TrainExample
}

export interface EncodedData {
  examples: readonly EncodedExample[]
  bad: readonly BadLine[]
}

export type EncodingModel = Pick<Model, 'encode' | 'applyChatTemplate' | 'info'>

/** Markers of spelled special tokens are read as such, as in a prompt that is typed. */
const WITH_MARKS = { addSpecialTokens: true, parseSpecial: true } as const
const AS_RENDERED = { addSpecialTokens: false, parseSpecial: true } as const

const MARKS = ['<|instruction|>', '<|input|>', '<|label|>'] as const

/** A model that knows the marks of a triplet takes them; one with a chat template its turns; any other headings. */
export async function tripletLayout(model: EncodingModel): Promise<TripletLayout> {
  const ids = await Promise.all(MARKS.map((mark) => model.encode(mark, AS_RENDERED)))
  if (ids.every(({ length }) => length === 1)) return 'markers'
  return model.info.hasChatTemplate ? 'chat' : 'plain'
}

type Triplet = Extract<TrainRecord, { kind: 'triplet' }>

/** A triplet as a prompt and what is to follow it. */
function laidOut({ instruction, input, output }: Triplet, layout: 'markers' | 'plain') {
  if (layout === 'markers') {
    const given = input === '' ? '' : `<|input|> ${input}`
    return { prompt: `<|instruction|> ${instruction}${given}<|label|>`, completion: ` ${output}` }
  }
  const given = input === '' ? '' : `### Input:\n${input}\n\n`
  return { prompt: `### Instruction:\n${instruction}\n\n${given}### Response:\n`, completion: output }
}

interface Ids {
  ids: number[]
  /** Where what is learned stands: `[begin, end)` each. */
  counted: readonly (readonly [begin: number, end: number])[]
  /** Text before the last part that is learned. */
  prompt: string
  answer: string | null
  /** Of a preference: ids of the prompt with the answer that is to lose. */
  rejected?: number[]
}

/** The ids that a prompt has alone come first, as they will when the model is asked. */
async function pairIds(model: EncodingModel, prompt: string, completion: string): Promise<Ids> {
  const [prefixIds, fullIds] = await Promise.all([
    model.encode(prompt, WITH_MARKS),
    model.encode(prompt + completion, WITH_MARKS),
  ])
  const ids = beginsWith(fullIds, prefixIds)
    ? fullIds
    : [...prefixIds, ...(await model.encode(completion, AS_RENDERED))]
  return { ids: withEnd(ids, model), counted: [[prefixIds.length, Infinity]], prompt, answer: completion }
}

/** A text that ends: the model learns where to stop. */
function withEnd(ids: readonly number[], { info: { eosIds } }: EncodingModel): number[] {
  const [end] = eosIds
  return end === undefined || eosIds.includes(ids.at(-1) ?? -1) ? [...ids] : [...ids, end]
}

/** A chat through the model's template: what the assistant says is learned, turn by turn. */
async function chatIds(model: EncodingModel, messages: readonly ChatMessage[]): Promise<Ids | Problem> {
  const write = (count: number, addGenerationPrompt: boolean): Promise<string> =>
    model.applyChatTemplate(messages.slice(0, count), { addGenerationPrompt })
  const render = async (count: number, prompts: boolean): Promise<number[]> =>
    model.encode(await write(count, prompts), AS_RENDERED)
  const fullIds = await render(messages.length, false)
  const lastAnswer = messages.findLastIndex(({ role }) => role === 'assistant')
  const counted: [number, number][] = []
  for (const [at, { role }] of messages.entries()) {
    if (role !== 'assistant') continue
    const [idsBefore, idsAfter] = await Promise.all([render(at, true), render(at + 1, false)])
    // A template that writes earlier turns otherwise than the last one counts only where both agree.
    if (beginsWith(fullIds, idsBefore) && beginsWith(fullIds, idsAfter))
      counted.push([idsBefore.length, idsAfter.length])
  }
  if (counted.length === 0) return { kind: 'messages', values: {} }
  const content = messages[lastAnswer]?.content
  const answer = lastAnswer === messages.length - 1 && typeof content === 'string' ? content : null
  return { ids: fullIds, counted, prompt: await write(lastAnswer, true), answer }
}

/** Turns of a chat behind those that ask for them, through the model's template. */
async function turnIds(
  model: EncodingModel,
  asked: readonly ChatMessage[],
  answer: readonly ChatMessage[],
): Promise<Ids | Problem> {
  const [prompt, text] = await Promise.all([
    model.applyChatTemplate(asked, { addGenerationPrompt: true }),
    model.applyChatTemplate([...asked, ...answer], { addGenerationPrompt: false }),
  ])
  const [promptIds, ids] = await Promise.all([
    model.encode(prompt, AS_RENDERED),
    model.encode(text, AS_RENDERED),
  ])
  if (!beginsWith(ids, promptIds)) return { kind: 'chats', values: {} }
  return { ids, counted: [[promptIds.length, Infinity]], prompt, answer: null }
}

function recordIds(model: EncodingModel, record: TrainRecord, layout: TripletLayout): Promise<Ids | Problem> {
  switch (record.kind) {
    case 'pair':
      return pairIds(model, record.prompt, record.completion)
    case 'preference':
      return withAnswers(record, (prompt, answer) => pairIds(model, prompt, answer))
    case 'chats':
      return withAnswers(record, (asked, answer) => turnIds(model, asked, answer))
    case 'messages':
      return chatIds(model, record.messages)
    case 'text':
      return model.encode(record.text, WITH_MARKS).then((ids): Ids => ({
        ids: withEnd(ids, model),
        counted: [[1, Infinity]],
        prompt: '',
        answer: null,
      }))
    case 'triplet': {
      if (layout !== 'chat') {
        const { prompt, completion } = laidOut(record, layout)
        return pairIds(model, prompt, completion)
      }
      const { instruction, input, output } = record
      const asked = input === '' ? instruction : `${instruction}\n\n${input}`
      const messages = [
        { role: 'user', content: asked },
        { role: 'assistant', content: output },
      ]
      return chatIds(model, messages)
    }
  }
}

/** Prose beyond the longest length goes on in further examples; anything else is cut there. */
function piecesOf(
  { ids, counted, prompt, answer, rejected }: Ids,
  kind: TrainRecord['kind'],
  longest: number,
): Omit<EncodedExample, 'line'>[] {
  const maskOf = (at: number): 0 | 1 => (counted.some(([begin, end]) => at >= begin && at < end) ? 1 : 0)
  const promptIds = ids.slice(0, counted.at(-1)?.[0] ?? 0)
  const short = (all: readonly number[]): TrainExample => {
    const part = all.slice(0, longest)
    return { ids: part, mask: part.map((_, at) => maskOf(at)) }
  }
  if (kind !== 'text') {
    const cut = Math.max(0, ids.length - longest, (rejected?.length ?? 0) - longest)
    const loser = rejected === undefined ? {} : { rejected: short(rejected) }
    return [{ ...short(ids), cut, prompt, promptIds, answer, ...loser }]
  }
  const pieces: Omit<EncodedExample, 'line'>[] = []
  // The last id of a piece is the first of the next: every one but the first is predicted once.
  for (let from = 0; from === 0 || from < ids.length - 1; from += longest - 1) {
    const part = ids.slice(from, from + longest)
    const learned = part.map((_, at): 0 | 1 => (at > 0 ? 1 : 0))
    pieces.push({ ids: part, mask: learned, cut: 0, prompt: '', promptIds: [], answer: null })
  }
  return pieces
}

/** Encodes examples with the model's own tokenizer. `longest`: tokens of one example. */
export async function encodeRecords(
  model: EncodingModel,
  records: readonly PlacedRecord[],
  options: { longest: number; layout: TripletLayout; isWanted?: () => boolean },
): Promise<EncodedData> {
  const { longest, layout, isWanted = () => true } = options
  const examples: EncodedExample[] = []
  const bad: BadLine[] = []
  for (const { line, record } of records) {
    if (!isWanted()) break
    const read = await recordIds(model, record, layout).catch((error: unknown): Problem => ({
      kind: 'encode',
      values: { message: toErrorData(error).message },
    }))
    if ('values' in read) {
      bad.push({ line, problem: read })
      continue
    }
    for (const piece of piecesOf(read, record.kind, longest)) {
      const learns = [piece, ...(piece.rejected ? [piece.rejected] : [])].every(countsAny)
      if (learns) examples.push({ ...piece, line })
      else bad.push({ line, problem: lostOf(read.ids.length, longest) })
    }
  }
  return unmixed(examples, bad)
}

const countsAny = ({ mask }: TrainExample): boolean => mask.some((entry, at) => at > 0 && entry === 1)

/** Preferences and examples do not learn by the same loss: beside preferences the others are left out by name. */
function unmixed(examples: readonly EncodedExample[], bad: readonly BadLine[]): EncodedData {
  const preferences = examples.filter(isPreference)
  if (preferences.length === 0) return { examples, bad }
  const others = examples.flatMap((one): BadLine[] =>
    isPreference(one) ? [] : [{ line: one.line, problem: { kind: 'mixed', values: {} } }],
  )
  return { examples: preferences, bad: [...bad, ...others] }
}

/** Why nothing of an example is learned. */
const lostOf = (tokens: number, longest: number): Problem =>
  tokens > longest ? { kind: 'long', values: { tokens, longest } } : { kind: 'nothing', values: {} }
