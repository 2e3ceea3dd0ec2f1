import { readMessageList, readPreferredChat, type PreferredChat } from './chats.ts'
import type { ChatMessage } from '../../../../api/model.ts'

/** One example as its author wrote it. */
export type TrainRecord =
  | { kind: 'pair'; prompt: string; completion: string }
  | { kind: 'triplet'; instruction: string; input: string; output: string }
  | { kind: 'messages'; messages: readonly ChatMessage[] }
  | { kind: 'preference'; prompt: string; chosen: string; rejected: string }
  | ({ kind: 'chats' } & PreferredChat)
  | { kind: 'text'; text: string }

export type RecordKind = TrainRecord['kind']

/** Why a line is no example: a word, and what the sentence about it puts in. */
export interface Problem {
  kind:
    | 'json'
    | 'columns'
    | 'cells'
    | 'quote'
    | 'type'
    | 'empty'
    | 'messages'
    | 'chats'
    | 'encode'
    | 'long'
    | 'nothing'
    | 'mixed'
  values: Readonly<Record<string, string | number>>
}

/** Names that data sets use for the same column; the first is ours. */
const COLUMNS = {
  messages: ['messages', 'conversations', 'conversation'],
  instruction: ['instruction'],
  input: ['input', 'context'],
  output: ['output', 'response', 'label'],
  prompt: ['prompt', 'question', 'source'],
  completion: ['completion', 'answer', 'response', 'target', 'output'],
  chosen: ['chosen', 'preferred'],
  rejected: ['rejected', 'dispreferred'],
  text: ['text', 'content'],
} as const

type Column = keyof typeof COLUMNS

/** Which key of a record stands for which column. */
export type KeyMap = Readonly<Partial<Record<Column, string>>>

/** What a set of keys is read as; null when no example can be made of it. */
export function recogniseKeys(keys: readonly string[]): { kind: RecordKind; keys: KeyMap } | null {
  const find = (column: Column): string | undefined =>
    COLUMNS[column].flatMap((name) => keys.find((key) => key.trim().toLowerCase() === name) ?? [])[0]
  const pick = (kind: RecordKind, ...columns: readonly Column[]) => {
    const entries = columns.flatMap((column) => {
      const key = find(column)
      return key === undefined ? [] : [[column, key] as const]
    })
    return { kind, keys: Object.fromEntries(entries) as KeyMap }
  }
  if (find('chosen') !== undefined && find('rejected') !== undefined)
    return pick('preference', 'prompt', 'chosen', 'rejected')
  if (find('messages') !== undefined) return pick('messages', 'messages')
  if (find('instruction') !== undefined && find('output') !== undefined)
    return pick('triplet', 'instruction', 'input', 'output')
  if (find('prompt') !== undefined && find('completion') !== undefined)
    return pick('pair', 'prompt', 'completion')
  return find('text') === undefined ? null : pick('text', 'text')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readMessages(value: unknown): readonly ChatMessage[] | Problem {
  const messages = readMessageList(typeof value === 'string' ? parseJson(value) : value)
  const answers = messages?.some(({ role }) => role === 'assistant') ?? false
  return messages !== null && answers ? messages : { kind: 'messages', values: {} }
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

/** Columns of which something is learned: none may be empty. A preference is one between answers to something. */
const LEARNED: Readonly<Record<Exclude<RecordKind, 'messages' | 'chats'>, readonly Column[]>> = {
  triplet: ['output'],
  pair: ['completion'],
  preference: ['prompt', 'chosen', 'rejected'],
  text: ['text'],
}

/** An object of a data set as an example, or what is wrong with it. */
export function readRecord(value: unknown): TrainRecord | Problem {
  if (!isObject(value)) return { kind: 'json', values: {} }
  const recognised = recogniseKeys(Object.keys(value))
  const unknown: Problem = { kind: 'columns', values: { found: Object.keys(value).join(', ') || '—' } }
  if (recognised === null) return unknown
  const { kind, keys } = recognised
  const given = (column: Column): unknown => value[keys[column] ?? '']
  if (kind === 'messages') {
    const messages = readMessages(given('messages'))
    return 'kind' in messages ? messages : { kind, messages }
  }
  if (kind === 'chats') return unknown
  if (kind === 'preference') {
    const chat = readPreferredChat(given('prompt'), given('chosen'), given('rejected'))
    if (chat === 'none') return { kind: 'chats', values: {} }
    if (chat !== null) return { kind: 'chats', ...chat }
    if (keys.prompt === undefined) return unknown
  }
  return readTexts(kind, keys, value)
}

/** An example of which every column is a text. */
function readTexts(
  kind: keyof typeof LEARNED,
  keys: KeyMap,
  value: Record<string, unknown>,
): TrainRecord | Problem {
  for (const key of Object.values(keys)) {
    const got = value[key]
    if (typeof got !== 'string' && !(got === null && key === keys.input))
      return { kind: 'type', values: { key, got: got === null ? 'null' : typeof got } }
  }
  const text = (column: Column): string => {
    const got = value[keys[column] ?? '']
    return typeof got === 'string' ? got : ''
  }
  const empty = LEARNED[kind].find((column) => text(column).trim() === '')
  if (empty !== undefined) return { kind: 'empty', values: { key: keys[empty] ?? empty } }
  switch (kind) {
    case 'triplet':
      return { kind, instruction: text('instruction'), input: text('input'), output: text('output') }
    case 'pair':
      return { kind, prompt: text('prompt'), completion: text('completion') }
    case 'preference':
      return { kind, prompt: text('prompt'), chosen: text('chosen'), rejected: text('rejected') }
    case 'text':
      return { kind, text: text('text') }
  }
}

/** True for what {@link readRecord} could not read. */
export const isProblem = (read: TrainRecord | Problem): read is Problem => 'values' in read
