import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { useRef, type RefObject } from 'react'
import { useStore } from 'zustand'
import { answeringModel } from '../../../state/app.ts'
import { maskFillingOf, type FillState, type MaskFilling } from './store.ts'
import { endComposition, isRunKey } from '../../components/composition.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { FilledMasks } from './FilledMasks.tsx'

function useFilling(): MaskFilling {
  return maskFillingOf(useSession())
}

function useFillState<T>(select: (state: FillState) => T): T {
  return useStore(useFilling().state, select)
}

/** A text with masks, and what an encoder would put in their places. */
export function FillView() {
  const t = useTranslate()
  const area = useRef<HTMLTextAreaElement>(null)
  const result = useFillState((state) => state.result)
  const text = useFillState((state) => state.text)
  const filling = useFilling()
  return (
    <div className="fill view" data-testid="fill-view">
      <p className="fill-about">{t('fill.about')}</p>
      <MaskedText area={area} />
      <Status />
      {result !== null && (
        <FilledMasks
          result={result}
          stale={text !== result.text}
          onPut={(nth, word) => void filling.put(nth, word)}
        />
      )}
    </div>
  )
}

function MaskedText({ area }: { area: RefObject<HTMLTextAreaElement | null> }) {
  const t = useTranslate()
  const filling = useFilling()
  const text = useFillState((state) => state.text)
  const busy = useFillState((state) => state.phase.kind === 'filling')
  const info = useApp((state) => answeringModel(state.model))
  const mask = info?.maskToken ?? null
  const insert = (): void => {
    const field = area.current
    if (field === null || mask === null) return
    field.focus()
    field.setRangeText(mask, field.selectionStart, field.selectionEnd, 'end')
    filling.setText(field.value)
  }
  return (
    <section className="fill-text stack gap-2">
      <label htmlFor="fill-text" className="eyebrow">
        {t('fill.text')}
      </label>
      <textarea
        ref={area}
        id="fill-text"
        className="prompt-text"
        data-testid="fill-text"
        rows={3}
        spellCheck={false}
        placeholder={mask === null ? '' : t('fill.placeholder', { mask })}
        value={text}
        onChange={(event) => filling.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (!isRunKey(event)) return
          // The page's own meaning of these keys is to generate.
          event.preventDefault()
          endComposition(event.nativeEvent)
          void filling.fill()
        }}
      />
      <div className="actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="fill-run"
          disabled={info === null || mask === null || busy || !text.includes(mask)}
          onClick={() => void filling.fill()}
        >
          <Icon name="play" />
          {t('fill.run')}
        </button>
        <button
          type="button"
          className="button"
          data-testid="fill-insert"
          disabled={mask === null}
          onClick={insert}
        >
          <Icon name="plus" />
          {t('fill.insert', { mask: mask ?? '' })}
        </button>
      </div>
    </section>
  )
}

/** What is under way, what went wrong, or what is missing. */
function Status() {
  const t = useTranslate()
  const phase = useFillState((state) => state.phase)
  const isStale = useFillState(({ text, result }) => result !== null && text !== result.text)
  const info = useApp((state) => answeringModel(state.model))
  if (phase.kind === 'failed') {
    return <ErrorNotice testId="fill-error" error={phase.error} />
  }
  const note = (): 'fill.noMask' | 'fill.filling' | 'fill.empty' | 'fill.stale' | 'fill.hint' => {
    if (phase.kind === 'filling') return 'fill.filling'
    if (info !== null && info.maskToken === null) return 'fill.noMask'
    if (phase.kind === 'empty') return 'fill.empty'
    return isStale ? 'fill.stale' : 'fill.hint'
  }
  return (
    <p className="note" role="status" data-testid="fill-status" data-state={phase.kind}>
      {t(note())}
    </p>
  )
}
