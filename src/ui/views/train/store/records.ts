import type { ChatMessage } from '../../../../api/model.ts'

/** One example as its author wrote it. */
export type TrainRecord =
  | { kind: 'pair'; prompt: string; completion: string }
  | { kind: 'triplet'; instruction: string; input: string; output: string }
  | { kind: 'messages'; messages: readonly ChatMessage[] }
  | { kind: 'preference'; prompt: string; chosen: string; rejected: string }
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
  if (['prompt', 'chosen', 'rejected'].every((column) => find(column as Column) !== undefined))
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

/** Roles of ShareGPT under the names that chat templates know. */
const ROLES: Readonly<Record<string, string>> = { human: 'user', gpt: 'assistant', bot: 'assistant' }

function readMessages(value: unknown): readonly ChatMessage[] | Problem {
  const parsed: unknown = typeof value === 'string' ? parseJson(value) : value
  const problem: Problem = { kind: 'messages', values: {} }
  if (!Array.isArray(parsed)) return problem
  const messages = parsed.flatMap((one: unknown): ChatMessage[] => {
    if (!isObject(one)) return []
    const { role = one['from'], content = one['value'] } = one
    if (typeof role !== 'string' || (typeof content !== 'string' && !Array.isArray(content))) return []
    return [{ ...one, role: ROLES[role] ?? role, content: content as string | readonly unknown[] }]
  })
  const answers = messages.some(({ role }) => role === 'assistant')
  return messages.length === parsed.length && answers ? messages : problem
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
const LEARNED: Readonly<Record<Exclude<RecordKind, 'messages'>, readonly Column[]>> = {
  triplet: ['output'],
  pair: ['completion'],
  preference: ['prompt', 'chosen', 'rejected'],
  text: ['text'],
}

/** An object of a data set as an example, or what is wrong with it. */
export function readRecord(value: unknown): TrainRecord | Problem {
  if (!isObject(value)) return { kind: 'json', values: {} }
  const recognised = recogniseKeys(Object.keys(value))
  if (recognised === null) return { kind: 'columns', values: { found: Object.keys(value).join(', ') || '—' } }
  const { kind, keys } = recognised
  if (kind === 'messages') {
    const messages = readMessages(value[keys.messages ?? ''])
    return 'kind' in messages ? messages : { kind, messages }
  }
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
