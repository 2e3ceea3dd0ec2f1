/** Log-probabilities of a prompt, in the two ways they are sent. */
import { TokenscopeError } from '../errors.ts'
import { entriesOf } from './openaiChunk.ts'
import { asRecord, listAt, numberAt, textAt } from './shape.ts'
import type { RemoteAlternative, RemoteScoredToken } from './types.ts'

export interface ReadToken extends RemoteScoredToken {
  top: RemoteAlternative[]
}

function missing(engine: string, position: number): TokenscopeError {
  return new TokenscopeError('network', `${engine} sent no log-probability for position ${position}.`, {
    hint: 'Score the text again; if this stays, the engine does not score prompts of this kind.',
    details: { position },
  })
}

/** vLLM's `prompt_logprobs`: per position an object from id to log-probability, rank (from 1) and text. */
export function readPromptLogprobs(choice: unknown, ids: readonly number[], engine: string): ReadToken[] {
  const sent = listAt(choice, 'prompt_logprobs') ?? []
  return ids.slice(1).map((id, index) => {
    const position = index + 1
    const entries = asRecord(sent[position]) ?? {}
    const entry = entries[String(id)]
    const logprob = numberAt(entry, 'logprob')
    if (logprob === null) throw missing(engine, position)
    const rank = numberAt(entry, 'rank')
    const top = Object.entries(entries).flatMap(([key, entry]): RemoteAlternative[] => {
      const value = numberAt(entry, 'logprob')
      return value === null
        ? []
        : [{ id: Number(key), text: textAt(entry, 'decoded_token') ?? '', logprob: value }]
    })
    return {
      position,
      id,
      logprob,
      rank: rank === null ? null : rank - 1,
      entropy: null,
      top: top.sort((a, b) => b.logprob - a.logprob),
    }
  })
}

/** `echo` with `logprobs`: the prompt's tokens stand before the generated one. */
export function readEchoed(choice: unknown, ids: readonly number[], engine: string): ReadToken[] {
  const entries = entriesOf(choice)
  return ids.slice(1).map((id, index) => {
    const position = index + 1
    const entry = entries[position]
    if (!entry || entry.logprob === null || (entry.id !== null && entry.id !== id)) {
      throw missing(engine, position)
    }
    return { position, id, logprob: entry.logprob, rank: null, entropy: null, top: entry.top }
  })
}
