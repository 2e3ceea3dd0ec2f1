import { lazy, Suspense, useState } from 'react'
import { answerParts, toolCalls } from './answerParts.ts'
import { contentText, siblings, type Turn } from './turns.ts'
import { formatCount } from '../../../maths/format.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { useChat, useChatState } from './hooks.ts'
import { MessageFrame } from './MessageFrame.tsx'
import { ToolCalls } from './ToolCalls.tsx'
import { TurnButtons } from './TurnButtons.tsx'
import { TurnEditor } from './TurnEditor.tsx'
import { TurnTokens } from './TurnTokens.tsx'

const ShownMarkdown = lazy(async () => ({ default: (await import('./ShownMarkdown.tsx')).ShownMarkdown }))

/** The plain text stands in while the reader of Markdown is on the way. */
function Markdown({ text }: { text: string }) {
  return (
    <Suspense fallback={<p className="chat-plain">{text}</p>}>
      <ShownMarkdown text={text} />
    </Suspense>
  )
}

/** One turn: what it says, its alternatives, and what can be done with it. */
export function TurnView({ turn, last }: { turn: Turn; last: boolean }) {
  const [editing, setEditing] = useState(false)
  const live = useChatState((state) => state.live === turn.id)
  return (
    <MessageFrame
      role={turn.message.role}
      live={live}
      head={
        <>
          <Siblings turn={turn} />
          {!editing && <TurnButtons turn={turn} last={last} onEdit={() => setEditing(true)} />}
        </>
      }
    >
      {editing ? (
        <TurnEditor turn={turn} onDone={() => setEditing(false)} />
      ) : (
        <TurnBody turn={turn} live={live} />
      )}
    </MessageFrame>
  )
}

function TurnBody({ turn, live }: { turn: Turn; live: boolean }) {
  const chat = useChat()
  const display = useChatState((state) => state.display)
  const tools = useChatState((state) => state.fields.tools.trim() !== '')
  if (turn.answer === null) {
    return display === 'markdown' ? (
      <Markdown text={contentText(turn.message)} />
    ) : (
      <p className="chat-plain">{contentText(turn.message)}</p>
    )
  }
  const text = chat.textOf(turn)
  const parts = answerParts(text, turn.answer.reasons)
  const { calls } = tools && parts.decided && !live ? toolCalls(parts.answer) : { calls: [] }
  return (
    <>
      {display === 'markdown' ? (
        <>
          {parts.reasoning !== null && <Reasoning text={parts.reasoning} />}
          <Markdown text={parts.answer} />
        </>
      ) : (
        <TurnTokens turn={turn} parts={parts} live={live} />
      )}
      {calls.length > 0 && <ToolCalls calls={calls} />}
      <AnswerFacts turn={turn} />
    </>
  )
}

function Reasoning({ text }: { text: string }) {
  const t = useTranslate()
  return (
    <details className="chat-reasoning">
      <summary>{t('chat.reasoning')}</summary>
      <Markdown text={text} />
    </details>
  )
}

/** Which of the turns at this place is shown, and the way to the others. */
function Siblings({ turn }: { turn: Turn }) {
  const chat = useChat()
  const t = useTranslate()
  const tree = useChatState((state) => state.tree)
  const all = siblings(tree, turn.parent)
  if (all.length < 2) return null
  const at = all.findIndex(({ id }) => id === turn.id)
  const step = (by: number, label: string, sign: string) => {
    const other = all[at + by]
    return (
      <button
        type="button"
        className="button button-icon chat-small"
        aria-label={label}
        title={label}
        disabled={other === undefined}
        onClick={() => other !== undefined && chat.choose(other.id)}
      >
        {sign}
      </button>
    )
  }
  return (
    <span className="chat-siblings numeric" data-testid="chat-siblings">
      {step(-1, t('chat.before'), '‹')}
      {at + 1}/{all.length}
      {step(1, t('chat.after'), '›')}
    </span>
  )
}

/** Numbers of an answer: its tokens, how much of its prompt was taken over, how it ended. */
function AnswerFacts({ turn }: { turn: Turn }) {
  const chat = useChat()
  const { log } = useSession()
  const t = useTranslate()
  const context = useApp(({ model }) => ('info' in model ? (model.info?.context ?? 0) : 0))
  const tokens = chat.tokensOf(turn)
  if (turn.answer === null || tokens.length === 0) return null
  const finish = tokens.at(-1)?.finish ?? null
  const reused = chat.isOnPage(turn.id) ? (log.timing?.reused ?? null) : null
  const prompt = turn.answer.text.promptIds.length
  return (
    <p className="note numeric chat-facts" data-testid="chat-facts">
      {t('output.count', { count: formatCount(tokens.length) })}
      {' · '}
      {reused === null ? t('chat.promptTokens', { prompt }) : t('chat.promptReused', { prompt, reused })}
      {finish !== null && ` · ${t(`output.finish.${finish === 'abort' ? 'stopped' : finish}`, { context })}`}
    </p>
  )
}
