import { memo } from 'react'
import type { Trace } from '../../store/trace.ts'
import type { GeneratedToken } from '../../types.ts'
import { probabilityLevel, surprisalLevel } from '../draw/palette.ts'
import { TokenText } from './TokenText.tsx'

/** Groups drawn by one memoised block: a new token re-renders at most this many. */
export const BLOCK = 48

interface BlockProps {
  trace: Trace
  /** Changes with the text, so that a block never shows tokens of an older one. */
  epoch: number
  /** Indices into `trace.groups`. */
  fromGroup: number
  toGroup: number
  /** Tokens in all when this block was last touched; only the growing block sees it change. */
  tokens: number
  /** The pinned token if it is in this block, else −1. */
  pinned: number
  endLabel: string
}

/** A stretch of token chips. Compared by its numbers alone, so finished blocks never render again. */
export const ChipBlock = memo(function ChipBlock({
  trace,
  fromGroup,
  toGroup,
  pinned,
  endLabel,
}: BlockProps) {
  const chips = []
  for (let group = fromGroup; group < toGroup; group++) {
    const first = trace.groups[group] ?? 0
    const next = trace.groups[group + 1] ?? trace.tokens.length
    const members = trace.tokens.slice(first, next)
    chips.push(
      members.length === 1 ? (
        <Chip
          key={first}
          token={members[0]!}
          pinned={pinned}
          end={trace.isEnd(members[0]!.id) ? endLabel : null}
        />
      ) : (
        <CharacterGroup key={first} members={members} pinned={pinned} />
      ),
    )
  }
  return chips
})

/** Levels of both scales; the stream's `data-colour` decides which one shows, without rendering again. */
function levelClasses(token: GeneratedToken): string {
  return `p${probabilityLevel(token.logprob)} s${surprisalLevel(token.logprob)}`
}

function shortProbability(logprob: number): string {
  const text = Math.exp(logprob).toFixed(2)
  return text.startsWith('0') ? text.slice(1) : '1'
}

function shortSurprisal(logprob: number): string {
  return (-logprob / Math.LN2).toFixed(1)
}

/** Attributes every token element carries: what automation, hover and the two scales read. */
function tokenAttributes(token: GeneratedToken, pinned: number) {
  return {
    id: `token-${token.index}`,
    role: 'option',
    'aria-selected': token.index === pinned,
    'data-token-index': token.index,
    'data-token-id': token.id,
    'data-p': shortProbability(token.logprob),
    'data-s': shortSurprisal(token.logprob),
  } as const
}

function Chip({ token, pinned, end }: { token: GeneratedToken; pinned: number; end: string | null }) {
  const silent = end !== null && token.text === ''
  return (
    <span
      {...tokenAttributes(token, pinned)}
      className={`chip ${levelClasses(token)}${silent ? ' chip-end' : ''}`}
      aria-label={silent ? end : token.text.trim() === '' ? JSON.stringify(token.text) : undefined}
      data-label={silent ? end : undefined}
    >
      <TokenText text={token.text} />
    </span>
  )
}

/** Several tokens that make one character: a strip per token, the text on the last. */
function CharacterGroup({ members, pinned }: { members: readonly GeneratedToken[]; pinned: number }) {
  const text = members.map((member) => member.text).join('')
  return (
    <span className="chip-group">
      {members.map((member, place) => (
        <span
          key={member.index}
          {...tokenAttributes(member, pinned)}
          className={`chip ${member.text === '' ? 'chip-part' : ''} ${levelClasses(member)}`}
          aria-label={`${text === '' ? '…' : text} ${place + 1}/${members.length}`}
        >
          <TokenText text={member.text} />
        </span>
      ))}
    </span>
  )
}
