/** Reading of OpenAI-shaped answers: chunks of a stream and whole ones, of chats and of completions. */
import type { FinishReason } from '../api/model.ts'
import type { RunEvent, SentToken } from './dialect.ts'
import { asRecord, idsAt, listAt, numberAt, recordAt, textAt, type Json } from './shape.ts'
import { shareText } from './textSplit.ts'
import type { RemoteAlternative, TextPart } from './types.ts'

const TOKEN_ID = /^token_id:(\d+)$/

/** One entry of log-probabilities, in either shape. */
interface LogprobEntry {
  id: number | null
  /** Null where only the id was sent. */
  text: string | null
  bytes: Uint8Array | null
  logprob: number | null
  top: RemoteAlternative[]
}

function bytesAt(value: unknown, key: string): Uint8Array | null {
  const values = idsAt(value, key)
  return values ? Uint8Array.from(values) : null
}

/** The id in a spelling like `token_id:42`, which stands for the text where ids were asked for. */
function idIn(spelling: string): number | null {
  const match = TOKEN_ID.exec(spelling)
  return match ? Number(match[1]) : null
}

function alternative(spelling: string, logprob: number, id: number | null): RemoteAlternative {
  const named = id ?? idIn(spelling)
  return { id: named, text: TOKEN_ID.test(spelling) ? '' : spelling, logprob }
}

function byProbability(a: RemoteAlternative, b: RemoteAlternative): number {
  return b.logprob - a.logprob
}

/** An entry of `logprobs.content`. */
function chatEntry(value: unknown): LogprobEntry {
  const spelling = textAt(value, 'token') ?? ''
  const named = idIn(spelling)
  const top = (listAt(value, 'top_logprobs') ?? []).flatMap((one) => {
    const logprob = numberAt(one, 'logprob')
    return logprob === null ? [] : [alternative(textAt(one, 'token') ?? '', logprob, numberAt(one, 'id'))]
  })
  return {
    id: numberAt(value, 'id') ?? named,
    text: named === null ? spelling : null,
    bytes: named === null ? bytesAt(value, 'bytes') : null,
    logprob: numberAt(value, 'logprob'),
    top: top.sort(byProbability),
  }
}

/** Entries of a completion: lists side by side, alternatives as an object from text to log-probability. */
function completionEntries(logprobs: Json): LogprobEntry[] {
  const values = listAt(logprobs, 'token_logprobs') ?? []
  const tops = listAt(logprobs, 'top_logprobs') ?? []
  return (listAt(logprobs, 'tokens') ?? []).map((token, index) => {
    const spelling = typeof token === 'string' ? token : ''
    const named = idIn(spelling)
    const value = values[index]
    const top = Object.entries(asRecord(tops[index]) ?? {}).flatMap(([text, logprob]) =>
      typeof logprob === 'number' ? [alternative(text, logprob, null)] : [],
    )
    return {
      id: named,
      text: named === null ? spelling : null,
      bytes: null,
      logprob: typeof value === 'number' ? value : null,
      top: top.sort(byProbability),
    }
  })
}

/** Log-probabilities of a choice, whichever shape it has. */
export function entriesOf(choice: unknown): LogprobEntry[] {
  const logprobs = recordAt(choice, 'logprobs')
  if (!logprobs) return []
  const content = listAt(logprobs, 'content')
  const entries = content ? content.map(chatEntry) : completionEntries(logprobs)
  const ids = idsAt(choice, 'token_ids')
  if (ids?.length !== entries.length) return entries
  return entries.map((entry, index) => ({ ...entry, id: entry.id ?? ids[index] ?? null }))
}

/** Name and arguments of the tool calls in a delta, in the order sent. */
function toolText(delta: Json): string {
  return (listAt(delta, 'tool_calls') ?? [])
    .map((call) => {
      const called = recordAt(call, 'function')
      return (textAt(called, 'name') ?? '') + (textAt(called, 'arguments') ?? '')
    })
    .join('')
}

/** The texts of a choice by part; all but empty ones. */
function textsOf(choice: Json): { part: TextPart; text: string }[] {
  const delta = recordAt(choice, 'delta') ?? recordAt(choice, 'message') ?? {}
  const texts: { part: TextPart; text: string | null }[] = [
    { part: 'reasoning', text: textAt(delta, 'reasoning_content') ?? textAt(delta, 'reasoning') },
    { part: 'answer', text: textAt(choice, 'text') ?? textAt(delta, 'content') ?? textAt(delta, 'refusal') },
    { part: 'tool-call', text: toolText(delta) },
  ]
  return texts.flatMap(({ part, text }) => (text ? [{ part, text }] : []))
}

/** The tokens of a choice. Without log-probabilities each text is one, with the id where exactly one was sent. */
function tokensOf(choice: Json): SentToken[] {
  const texts = textsOf(choice)
  const entries = entriesOf(choice)
  const [first = { part: 'answer' as const, text: '' }] = texts
  if (entries.length > 0 && texts.length <= 1) {
    const pieces = entries.map(({ bytes, text }) => ({ bytes, text: text ?? '' }))
    const shares = shareText(first.text, pieces)
    return entries.map(({ id, logprob, top }, index) => ({
      id,
      text: shares[index] ?? '',
      logprob,
      top,
      part: first.part,
    }))
  }
  const ids = idsAt(choice, 'token_ids') ?? []
  const bare = ids.length === 1 && texts.length === 0 ? [first] : texts
  return bare.map(({ part, text }) => ({
    id: ids.length === 1 ? (ids[0] ?? null) : null,
    text,
    logprob: null,
    top: [],
    part,
  }))
}

const FINISHES: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  max_tokens: 'length',
  abort: 'abort',
}

/** Every event in one chunk, or in a whole answer, of the first choice. */
export function openaiEvents(chunk: unknown): RunEvent[] {
  const events: RunEvent[] = []
  const choice = asRecord(listAt(chunk, 'choices')?.[0])
  const ids = idsAt(chunk, 'prompt_token_ids') ?? idsAt(choice, 'prompt_token_ids')
  const usage = recordAt(chunk, 'usage')
  const count = ids?.length ?? numberAt(usage, 'prompt_tokens')
  if (count !== null) {
    const cached = numberAt(recordAt(usage, 'prompt_tokens_details'), 'cached_tokens')
    events.push({ kind: 'prompt', ids, count, cached })
  }
  if (!choice) return events
  for (const token of tokensOf(choice)) events.push({ kind: 'token', token })
  const finish = textAt(choice, 'finish_reason')
  if (finish) events.push({ kind: 'finish', finish: FINISHES[finish] ?? 'stop' })
  return events
}
