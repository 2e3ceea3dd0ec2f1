import { memo } from 'react'
import type { TokenLog } from '../../state/tokenLog.ts'
import type { GeneratedToken } from '../../api/model.ts'
import { probabilityLevel, surprisalLevel } from '../draw/palette.ts'
import { TokenText } from './TokenText.tsx'

interface BlockProps {
  log: Pick<TokenLog, 'groups' | 'tokens' | 'isEnd'>
  /** Changes with the text, so that a block never shows tokens of an older one. */
  epoch: number
  /** Indices into `log.groups`. */
  fromGroup: number
  toGroup: number
  /** Tokens up to the block's end; only the growing block sees it change. */
  tokens: number
  /** The pinned token if it is in this block, else −1. */
  pinned: number
  endLabel: string
  /** The mark behind the newest token of a run. */
  caret: boolean
  /** What the elements' ids begin with, before the token's index; of the text on the page `token-`. */
  prefix?: string
}

/** Whole lines of token chips. Compared only by its numbers, so closed blocks never render again. */
export const ChipBlock = memo(function ChipBlock(props: BlockProps) {
  const { log, fromGroup, toGroup, pinned, endLabel, caret, prefix = 'token-' } = props
  const chips = []
  for (let group = fromGroup; group < toGroup; group++) {
    const first = log.groups[group] ?? 0
    const members = log.tokens.slice(first, log.groups[group + 1] ?? log.tokens.length)
    const [token] = members
    if (token === undefined) continue
    chips.push(
      members.length > 1 ? (
        <CharacterGroup key={first} members={members} pinned={pinned} prefix={prefix} />
      ) : (
        <Chip
          key={first}
          token={token}
          prefix={prefix}
          pinned={token.index === pinned}
          end={log.isEnd(token.id) ? endLabel : null}
        />
      ),
    )
  }
  return (
    // The first block goes on behind the prompt in the same line.
    <span className={fromGroup === 0 ? 'lines-first' : 'lines'}>
      {chips}
      {caret && <span className="caret" aria-hidden="true" />}
    </span>
  )
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
function tokenAttributes(token: GeneratedToken, pinned: boolean, prefix: string) {
  return {
    id: `${prefix}${token.index}`,
    role: 'option',
    'aria-selected': pinned,
    'data-token-index': token.index,
    'data-token-id': token.id,
    'data-p': shortProbability(token.logprob),
    'data-s': shortSurprisal(token.logprob),
  } as const
}

interface ChipProps {
  token: GeneratedToken
  prefix: string
  pinned: boolean
  /** How an end of text is called, for a token that is one. */
  end: string | null
}

const Chip = memo(function Chip({ token, pinned, end, prefix }: ChipProps) {
  const isTextless = end !== null && token.text === ''
  return (
    <span
      {...tokenAttributes(token, pinned, prefix)}
      className={`chip ${levelClasses(token)}${isTextless ? ' chip-end' : token.text.includes('\n') ? ' chip-break' : ''}`}
      aria-label={isTextless ? end : token.text.trim() === '' ? JSON.stringify(token.text) : undefined}
      data-label={isTextless ? end : undefined}
    >
      <TokenText text={token.text} />
    </span>
  )
})

interface GroupProps {
  members: readonly GeneratedToken[]
  pinned: number
  prefix: string
}

/** Several tokens that make one character: the text on the last, a mark for each before it. */
function CharacterGroup({ members, pinned, prefix }: GroupProps) {
  const text = members.map((member) => member.text).join('')
  const parts = members.length - 1
  return (
    <span className="chip-group">
      {members.map((member, place) => (
        <span
          key={member.index}
          {...tokenAttributes(member, member.index === pinned, prefix)}
          className={
            place < parts ? `chip chip-part ${levelClasses(member)}` : `chip ${levelClasses(member)}`
          }
          style={place < parts ? { '--place': place, '--parts': parts } : undefined}
          aria-label={`${text === '' ? '…' : text} ${place + 1}/${members.length}`}
        >
          {place === parts && text === '' ? <span className="broken" /> : <TokenText text={member.text} />}
        </span>
      ))}
    </span>
  )
}
