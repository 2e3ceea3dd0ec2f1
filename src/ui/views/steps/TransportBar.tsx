import { useMemo } from 'react'
import { PACES } from './store.ts'
import { Scrubber, TransportButton } from '../../components/Transport.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useRow, useStepList, useSteps, useStepsState } from './hooks.ts'

/** Moves through steps and tokens: buttons, scrubbers, and the keys of the view. */
export function TransportBar() {
  const t = useTranslate()
  const { app } = useSession()
  const openSheet = (): void => app.setState({ keysOpen: true })
  return (
    <section className="transport row" aria-label={t('steps.transport')}>
      <Buttons />
      <Scrubbers />
      <div className="transport-end">
        <TransportButton
          icon="keyboard"
          label={t('transport.keys')}
          hint="?"
          testId="step-keys"
          onClick={openSheet}
        />
      </div>
    </section>
  )
}

function Buttons() {
  const t = useTranslate()
  const steps = useSteps()
  const idle = useStepList().length === 0
  const playing = useStepsState((state) => state.playing)
  const breaks = useStepsState((state) => state.breakpoints.length)
  return (
    <div className="row">
      <TransportButton
        icon="layerBack"
        label={t('transport.previousLayer')}
        hint="Shift F11"
        testId="step-layer-prev"
        disabled={idle}
        onClick={() => steps.moveLayer(-1)}
      />
      <TransportButton
        icon="stepBack"
        label={t('transport.previous')}
        hint="←"
        testId="step-prev"
        disabled={idle}
        onClick={() => steps.move(-1)}
      />
      <TransportButton
        icon="stepNext"
        label={t('transport.next')}
        hint="F10, →"
        testId="step-next"
        disabled={idle}
        onClick={() => steps.move(1)}
      />
      <TransportButton
        icon="layerNext"
        label={t('transport.layer')}
        hint="F11, L"
        testId="step-layer"
        disabled={idle}
        onClick={() => steps.moveLayer(1)}
      />
      <span className="transport-gap" />
      <TransportButton
        icon={playing ? 'pause' : 'play'}
        label={t(playing ? 'transport.pause' : 'transport.play')}
        hint="Space"
        testId="step-play"
        disabled={idle}
        onClick={() => steps.togglePlay()}
      />
      <Pace />
      <TransportButton
        icon="toBreak"
        label={t(breaks > 0 ? 'transport.run' : 'transport.runEnd')}
        hint="F8, R"
        testId="step-run"
        disabled={idle}
        onClick={() => steps.runToBreakpoint()}
      />
    </div>
  )
}

function Pace() {
  const t = useTranslate()
  const steps = useSteps()
  const pace = useStepsState((state) => state.pace)
  return (
    <select
      className="select select-quiet select-pace"
      data-testid="step-pace"
      aria-label={t('transport.pace')}
      value={pace}
      onChange={(event) => steps.setPace(Number(event.currentTarget.value))}
    >
      {PACES.map((count) => (
        <option key={count} value={count}>
          {t('transport.perSecond', { count })}
        </option>
      ))}
    </select>
  )
}

function Scrubbers() {
  const t = useTranslate()
  const steps = useSteps()
  const { log } = useSession()
  const list = useStepList()
  const name = useStepsState((state) => state.step)
  const breakpoints = useStepsState((state) => state.breakpoints)
  const rows = useStepsState((state) => state.source?.ids.length ?? 0)
  const row = useRow()
  const index = list.findIndex((step) => step.name === name)
  const ticks = useMemo(() => {
    const last = Math.max(1, list.length - 1)
    return list.flatMap((step, at) => [
      ...(step.name.endsWith('.attn_norm') ? [{ at: at / last, kind: 'layer' as const }] : []),
      ...(breakpoints.includes(step.name) ? [{ at: at / last, kind: 'break' as const }] : []),
    ])
  }, [list, breakpoints])
  const prompt = log.promptIds.length
  const atStep = t('transport.stepOf', { step: index + 1, steps: list.length })
  const atToken = t('transport.tokenOf', { token: rows === 0 ? 0 : row + 1, tokens: rows })
  return (
    <div className="transport-scrub">
      <Scrubber
        label={t('transport.steps')}
        testId="step-scrub"
        value={index}
        count={list.length}
        valueText={`${name}, ${atStep}`}
        ticks={ticks}
        onChange={(at) => steps.goTo(list[at]?.name ?? '')}
      />
      <span className="transport-count numeric">{atStep}</span>
      <Scrubber
        label={t('transport.tokens')}
        testId="token-scrub"
        value={row}
        count={rows}
        valueText={atToken}
        ticks={rows > 1 && prompt < rows ? [{ at: prompt / (rows - 1), kind: 'prompt' }] : []}
        onChange={(at) => steps.selectRow(at)}
      />
      <span className="transport-count numeric">{atToken}</span>
    </div>
  )
}
