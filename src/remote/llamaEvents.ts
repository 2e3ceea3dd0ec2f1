/** Events of `/completion` of llama.cpp's server. */
import type { FinishReason } from '../api/model.ts'
import type { RunEvent, SentToken } from './dialect.ts'
import { asRecord, idsAt, listAt, numberAt, recordAt, textAt, type Json } from './shape.ts'
import type { RemoteAlternative } from './types.ts'

function alternativesOf(entry: Json | null): RemoteAlternative[] {
  return (listAt(entry, 'top_logprobs') ?? []).flatMap((one) => {
    const logprob = numberAt(one, 'logprob')
    return logprob === null ? [] : [{ id: numberAt(one, 'id'), text: textAt(one, 'token') ?? '', logprob }]
  })
}

function tokenOf(event: Json, id: number, top: number): SentToken {
  const entry = asRecord(listAt(event, 'completion_probabilities')?.[0])
  return {
    id,
    text: textAt(event, 'content') ?? '',
    logprob: numberAt(entry, 'logprob'),
    top: alternativesOf(entry).slice(0, top),
    part: 'answer',
  }
}

function finishOf(event: Json): FinishReason {
  if (textAt(event, 'stop_type') !== 'limit') return 'stop'
  return event['truncated'] === true ? 'context-full' : 'length'
}

const UNSENT: SentToken = { id: null, text: '', logprob: null, top: [], part: 'answer' }

/**
 * Reads the events of one run in order. The server is silent about tokens that leave a character unfinished, but counts them:
 * they appear without id before the one that finishes it.
 */
export class LlamaEvents {
  readonly #top: number
  #tokens = 0

  constructor(topLogprobs: number) {
    this.#top = topLogprobs
  }

  read(value: unknown): RunEvent[] {
    const event = asRecord(value)
    if (!event) return []
    const progress = recordAt(event, 'prompt_progress')
    if (progress) {
      const done = numberAt(progress, 'processed') ?? 0
      return [{ kind: 'prefill', done, total: numberAt(progress, 'total') ?? done }]
    }
    return event['stop'] === true ? this.#last(event) : this.#token(event)
  }

  #token(event: Json): RunEvent[] {
    const id = idsAt(event, 'tokens')?.[0]
    if (id === undefined) return []
    const token = tokenOf(event, id, this.#top)
    return [...this.#textless((numberAt(event, 'tokens_predicted') ?? 0) - 1), this.#counted(token)]
  }

  #last(event: Json): RunEvent[] {
    const content = textAt(event, 'content')
    const rest = content ? [this.#counted({ ...UNSENT, text: content })] : []
    const count = numberAt(event, 'tokens_evaluated')
    const cached = numberAt(recordAt(event, 'timings'), 'cache_n')
    return [
      ...this.#textless(numberAt(event, 'tokens_predicted') ?? 0),
      ...rest,
      ...(count === null ? [] : [{ kind: 'prompt' as const, ids: null, count, cached }]),
      { kind: 'finish', finish: finishOf(event) },
    ]
  }

  /** Tokens that were counted and not sent, up to `count`. */
  #textless(count: number): RunEvent[] {
    return Array.from({ length: Math.max(0, count - this.#tokens) }, () => this.#counted(UNSENT))
  }

  #counted(token: SentToken): RunEvent {
    this.#tokens += 1
    return { kind: 'token', token }
  }
}
