import { useEffect, useLayoutEffect, useRef, useState, type PointerEvent, type RefObject } from 'react'
import { isRunning } from '../../state/app.ts'
import { useApp, useSession, useTokenLog, useTranslate } from '../context.ts'
import { PromptChips } from './PromptChips.tsx'
import { ChipBlock } from './TokenChips.tsx'
import { useLineBlocks } from './useLineBlocks.ts'

/** Index of the generated or prompt token under the pointer, null beside them. */
function tokenAt(event: PointerEvent): { generated: number | null; prompt: number | null } {
  const target = event.target instanceof Element ? event.target : null
  const read = (name: string) => {
    const value = target?.closest(`[data-${name}]`)?.getAttribute(`data-${name}`)
    return value === null || value === undefined ? null : Number(value)
  }
  return { generated: read('token-index'), prompt: read('prompt-index') }
}

/** The text as token chips: the prompt greyed, the generated tokens coloured by what the model thought of them. */
export function TokenStream() {
  const { app } = useSession()
  const log = useTokenLog()
  const t = useTranslate()
  const colouring = useApp((state) => state.colouring)
  const values = useApp((state) => state.values)
  const pinned = useApp((state) => state.pinned)
  const runKind = useApp((state) => state.run.kind)
  const running = useApp((state) => isRunning(state.run))
  const scroller = useRef<HTMLDivElement>(null)
  const seams = useLineBlocks(log, scroller, String(values))
  useFollow(scroller, log.getVersion(), running, pinned)

  const starts = [0, ...seams]
  const blocks = starts.map((from, place) => {
    const to = starts[place + 1] ?? log.groups.length
    const first = log.groups[from] ?? 0
    const end = log.groups[to] ?? log.tokens.length
    return (
      <ChipBlock
        key={`${log.epoch}:${from}`}
        log={log}
        epoch={log.epoch}
        fromGroup={from}
        toGroup={to}
        tokens={end}
        pinned={pinned !== null && pinned >= first && pinned < end ? pinned : -1}
        endLabel={t('output.end')}
        caret={running && place === starts.length - 1}
      />
    )
  })
  return (
    <div
      ref={scroller}
      className={values ? 'stream stream-values' : 'stream'}
      data-colour={colouring}
      data-running={running}
      onPointerOver={(event) => {
        if (event.pointerType !== 'mouse') return
        const { generated, prompt } = tokenAt(event)
        app.setState({ hovered: generated, hoveredPrompt: prompt })
      }}
      onPointerLeave={() => app.setState({ hovered: null, hoveredPrompt: null })}
      onClick={(event) => {
        const { generated, prompt } = tokenAt(event as unknown as PointerEvent)
        if (generated !== null)
          app.setState(({ pinned: old }) => ({ pinned: old === generated ? null : generated }))
        else if (prompt !== null) app.setState({ hoveredPrompt: prompt, pinned: null })
      }}
    >
      <PromptChips log={log} />
      <span
        className="stream-output"
        role="listbox"
        tabIndex={0}
        id="output"
        aria-label={t('output.label')}
        aria-activedescendant={pinned === null ? undefined : `token-${pinned}`}
        data-testid="output"
        data-state={log.tokens.length === 0 && !running ? 'empty' : running ? 'running' : runKind}
      >
        {blocks}
      </span>
      <Announcer />
    </div>
  )
}

/** Keeps the newest token in view while the reader has not scrolled away, and the pinned one always. */
function useFollow(
  scroller: RefObject<HTMLDivElement | null>,
  version: number,
  running: boolean,
  pinned: number | null,
): void {
  const following = useRef(true)
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const onScroll = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < 48
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => element.removeEventListener('scroll', onScroll)
  }, [scroller])
  useLayoutEffect(() => {
    const element = scroller.current
    if (element !== null && running && following.current) element.scrollTo({ top: element.scrollHeight })
  }, [scroller, version, running])
  useEffect(() => {
    if (pinned !== null) document.getElementById(`token-${pinned}`)?.scrollIntoView({ block: 'nearest' })
  }, [pinned])
}

/** Milliseconds between announcements: whole phrases, not every token, reach a screen reader. */
const ANNOUNCE_EVERY = 1500

/** Reads new text out in phrases. */
function Announcer() {
  const { log } = useSession()
  const [phrase, setPhrase] = useState('')
  useEffect(() => {
    let from = log.tokens.length
    let epoch = log.epoch
    const timer = setInterval(() => {
      if (epoch !== log.epoch) [from, epoch] = [0, log.epoch]
      if (log.tokens.length === from) return
      setPhrase(
        log.tokens
          .slice(from)
          .map((token) => token.text)
          .join(''),
      )
      from = log.tokens.length
    }, ANNOUNCE_EVERY)
    return () => clearInterval(timer)
  }, [log])
  return (
    <span className="visually-hidden" aria-live="polite">
      {phrase}
    </span>
  )
}
