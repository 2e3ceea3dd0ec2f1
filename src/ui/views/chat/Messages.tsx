import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useLayoutEffect, useRef } from 'react'
import { useApp, useTranslate } from '../../context.ts'
import { useChatState, usePath } from './hooks.ts'
import { MessageFrame } from './MessageFrame.tsx'
import { TurnView } from './TurnView.tsx'

/** Pixels from the end within which the reader counts as following. */
const NEAR_END = 64

/** The turns on show, the newest in view while the reader follows. */
export function Messages() {
  const t = useTranslate()
  const path = usePath()
  const system = useChatState((state) => state.fields.system)
  const colouring = useApp((state) => state.colouring)
  const values = useApp((state) => state.values)
  const version = useChatState((state) => state.version)
  const list = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  useEffect(() => {
    const element = list.current
    if (element === null) return
    const onScroll = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [])
  useLayoutEffect(() => {
    const element = list.current
    if (element !== null && following.current) element.scrollTo({ top: element.scrollHeight })
  }, [version, path.length])
  return (
    <div
      ref={list}
      className={values ? 'chat-messages stream-values' : 'chat-messages'}
      role="log"
      aria-label={t('chat.messages')}
      tabIndex={0}
      data-colour={colouring}
    >
      {path.length === 0 && system.trim() === '' && (
        <BlankSlate title={t('chat.empty')}>
          <p>{t('chat.emptyHint')}</p>
        </BlankSlate>
      )}
      {system.trim() !== '' && (
        <MessageFrame role="system">
          <p className="chat-plain">{system}</p>
        </MessageFrame>
      )}
      {path.map((turn, index) => (
        <TurnView key={turn.id} turn={turn} last={index === path.length - 1} />
      ))}
    </div>
  )
}
