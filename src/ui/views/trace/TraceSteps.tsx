import { useEffect, useRef, type KeyboardEvent } from 'react'
import type { SavedStep, SavedTrace } from '../../../trace/types.ts'
import { useTranslate } from '../../context.ts'
import { formatShape } from '../../components/labels.ts'
import { useSavedState, useSavedTraces } from './hooks.ts'

/** Every step of the program in order; those whose tensors are in the file stand out. */
export function TraceSteps({ trace }: { trace: SavedTrace }) {
  const t = useTranslate()
  const traces = useSavedTraces()
  const chosen = useSavedState((state) => state.step)
  const list = useRef<HTMLUListElement>(null)
  const kept = trace.steps.filter(({ stats }) => stats !== null).length
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [chosen, trace])
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key]
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const at = trace.steps.findIndex(({ name }) => name === chosen)
    const to = trace.steps[Math.min(trace.steps.length - 1, Math.max(0, at + by))]
    if (to === undefined) return
    traces.selectStep(to.name)
    list.current?.querySelector<HTMLElement>(`[data-step="${CSS.escape(to.name)}"]`)?.focus()
  }
  return (
    <section className="trace-steps" aria-label={t('trace.steps')}>
      <h3 className="eyebrow">{t('trace.steps')}</h3>
      <p className="note numeric">{t('trace.stepsHint', { kept, count: trace.steps.length })}</p>
      <ul ref={list} className="trace-step-list" data-arrows="" onKeyDown={onKeyDown}>
        {trace.steps.map((step) => (
          <StepLine
            key={step.name}
            step={step}
            chosen={step.name === chosen}
            onChoose={() => traces.selectStep(step.name)}
          />
        ))}
      </ul>
    </section>
  )
}

function StepLine({ step, chosen, onChoose }: { step: SavedStep; chosen: boolean; onChoose: () => void }) {
  return (
    <li>
      <button
        type="button"
        className="trace-step"
        data-testid="trace-step"
        data-step={step.name}
        data-kept={step.stats !== null}
        aria-current={chosen}
        tabIndex={chosen ? 0 : -1}
        onClick={onChoose}
      >
        <span className="trace-step-name">{step.name}</span>
        <span className="numeric trace-step-shape">{formatShape(step.output.shape)}</span>
      </button>
    </li>
  )
}
