import type { PointerEvent } from 'react'
import type { GeneratedToken } from '../../../api/model.ts'
import type { AnswerParts } from './answerParts.ts'
import type { Turn } from './turns.ts'
import { groupStarts } from '../../../state/characterGroups.ts'
import { ChipBlock } from '../../components/TokenChips.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { useChat } from './hooks.ts'

interface TurnTokensProps {
  turn: Turn
  parts: AnswerParts
  live: boolean
}

/** Index of the first token whose text begins at or after a character of the answer. */
function tokenAtCharacter(tokens: readonly GeneratedToken[], prefix: string, character: number): number {
  let at = prefix.length
  for (const [index, token] of tokens.entries()) {
    if (at >= character) return index
    at += token.text.length
  }
  return tokens.length
}

/** An answer as tokens, reasoning folded away. A token that is clicked brings its text back to the page and is selected. */
export function TurnTokens({ turn, parts, live }: TurnTokensProps) {
  const chat = useChat()
  const t = useTranslate()
  const tokens = chat.tokensOf(turn)
  const ends = turn.answer?.text.endIds ?? []
  const isEnd = (id: number): boolean => ends.includes(id)
  const groups = groupStarts(tokens, isEnd)
  const prefix = turn.answer?.prefix ?? ''
  const firstOfAnswer = parts.reasoning === null ? 0 : tokenAtCharacter(tokens, prefix, parts.answerAt)
  const groupIndex = groups.findIndex((start) => start >= firstOfAnswer)
  const seam = groupIndex < 0 ? groups.length : groupIndex
  const shared = { turn, groups, tokens, isEnd }
  return (
    <>
      {parts.reasoning !== null && (
        <details className="chat-reasoning">
          <summary>
            {t(parts.decided ? 'chat.reasoningCount' : 'chat.reasoningLive', { count: firstOfAnswer })}
          </summary>
          <TokenList
            {...shared}
            from={0}
            to={seam}
            caret={live && !parts.decided}
            label={t('chat.reasoning')}
          />
        </details>
      )}
      <TokenList
        {...shared}
        given={parts.reasoning === null ? prefix : prefix.slice(parts.answerAt)}
        from={parts.reasoning === null ? 0 : seam}
        to={groups.length}
        caret={live && parts.decided}
        label={t('chat.answerTokens')}
      />
    </>
  )
}

interface TokenListProps {
  turn: Turn
  groups: number[]
  tokens: readonly GeneratedToken[]
  isEnd: (id: number) => boolean
  /** Text before the first token that the model was given. */
  given?: string
  from: number
  to: number
  caret: boolean
  label: string
}

function TokenList({ turn, groups, tokens, isEnd, given = '', from, to, caret, label }: TokenListProps) {
  const chat = useChat()
  const { app } = useSession()
  const t = useTranslate()
  const pinned = useApp((state) => state.pinned)
  const onPage = chat.isOnPage(turn.id)
  const chosen = onPage && pinned !== null ? pinned : -1
  const prefix = `turn-${turn.id}-`
  const first = groups[from] ?? 0
  const end = groups[to] ?? tokens.length
  const indexOf = (event: { target: EventTarget }): number | null => {
    const value = event.target instanceof Element ? event.target.closest('[data-token-index]') : null
    return value === null ? null : Number(value.getAttribute('data-token-index'))
  }
  return (
    <div
      className="chat-tokens"
      onPointerOver={(event: PointerEvent) => {
        if (event.pointerType === 'mouse' && chat.isOnPage(turn.id)) app.setState({ hovered: indexOf(event) })
      }}
      onPointerLeave={() => app.setState({ hovered: null })}
      onClick={(event) => {
        const index = indexOf(event)
        if (index !== null) chat.show(turn.id, index)
      }}
    >
      {given !== '' && <span className="chip-given">{given}</span>}
      {(to > from || caret) && (
        <span
          role="listbox"
          tabIndex={0}
          className="stream-output"
          aria-label={label}
          aria-activedescendant={chosen >= first && chosen < end ? `${prefix}${chosen}` : undefined}
        >
          <ChipBlock
            log={{ groups, tokens: [...tokens], isEnd }}
            epoch={turn.id}
            fromGroup={from}
            toGroup={to}
            tokens={end}
            pinned={chosen >= first && chosen < end ? chosen : -1}
            endLabel={t('output.end')}
            caret={caret}
            prefix={prefix}
          />
        </span>
      )}
    </div>
  )
}
