import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { useRef, type FormEvent, type KeyboardEvent } from 'react'
import { PATCH_KINDS, patchStep } from '../../../analysis/patching.ts'
import { selectRow } from '../../../state/selection.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useAnatomy, useShown, useTexts, useWatchedMeasurement } from '../../components/reading.ts'
import { StaleNotice } from '../../components/EmptyState.tsx'
import { tokenName } from '../../components/labels.ts'
import { useEdits, useEditsState, usePatchRuns, usePatchState } from './hooks.ts'
import { KlLegend } from './KlLegend.tsx'
import { RunGrid } from './RunGrid.tsx'
import { Prompt } from './SteerTool.tsx'

/** Another prompt's activations above this text's: one is picked up there and put down here. */
export function PatchTool() {
  const runs = usePatchRuns()
  const t = useTranslate()
  const kind = usePatchState((state) => state.kind)
  useWatchedMeasurement(runs.ownRun)
  return (
    <>
      <OtherPrompt />
      <div className="edit-line cluster">
        <Segmented
          label={t('edits.patchKind')}
          value={kind}
          choices={PATCH_KINDS.map((value) => ({ value, label: t(`edits.kind.${value}`) }))}
          onChange={(next) => runs.setKind(next)}
        />
        <KlLegend label={t('edits.normScale')} end="1" />
      </div>
      <StaleNotice measurement={runs.ownRun} />
      <Grids />
    </>
  )
}

function OtherPrompt() {
  const runs = usePatchRuns()
  const t = useTranslate()
  const prompt = usePatchState((state) => state.prompt)
  const phase = usePatchState((state) => state.phase)
  const read = (event: FormEvent) => {
    event.preventDefault()
    void runs.readOther()
  }
  return (
    <form className="edit-form" onSubmit={read}>
      <div className="edit-line cluster">
        <Prompt
          label={t('edits.other')}
          testId="patch-prompt"
          value={prompt}
          onChange={(text) => runs.state.setState({ prompt: text })}
        />
        <button
          type="submit"
          className="button"
          data-testid="patch-read"
          disabled={prompt.trim() === '' || phase.kind === 'reading'}
        >
          {t('edits.readOther')}
        </button>
      </div>
      {phase.kind === 'failed' && <ErrorNotice error={phase.error} />}
    </form>
  )
}

function Grids() {
  const runs = usePatchRuns()
  const session = useSession()
  const edits = useEdits()
  const anatomy = useAnatomy()
  const t = useTranslate()
  const box = useRef<HTMLDivElement>(null)
  const other = usePatchState((state) => state.other)
  const held = usePatchState((state) => state.held)
  const ownRun = useShown(runs.ownRun)
  const texts = useTexts(ownRun?.ids.length ?? 0)
  const patched = usePatchedCells()
  if (other === null) return <p className="note">{t('edits.otherEmpty')}</p>
  const name = (position: number) => tokenName(t, other.texts[position] ?? '', other.ids[position] ?? 0)
  const pickUp = (layer: number, position: number) => {
    runs.state.setState({ held: { layer, position } })
    if (ownRun !== null) focusCell(box.current, 'own', layer, Math.min(position, ownRun.ids.length - 1))
  }
  const putDown = (layer: number, position: number) => {
    const from = runs.state.getState().held
    if (from === null) return selectRow(session, position)
    const step = patchStep(anatomy, layer, other.kind)
    if (step === '') return
    const source = {
      prompt: other.prompt,
      step: patchStep(anatomy, from.layer, other.kind),
      position: from.position,
    }
    edits.add({ kind: 'patch', step, position, source })
    runs.state.setState({ held: null })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || held === null) return
    event.preventDefault()
    event.stopPropagation()
    runs.state.setState({ held: null })
    focusCell(box.current, 'other', held.layer, held.position)
  }
  return (
    <div className="patch-grids" ref={box} onKeyDown={onKeyDown}>
      <RunGrid
        which="other"
        title={t('edits.otherRun')}
        {...other}
        held={held}
        onHold={(cell) => runs.state.setState({ held: cell })}
        onCell={pickUp}
      />
      <p className="note patch-held" role="status" data-testid="patch-held">
        {held !== null && t('edits.held', { ...held, token: name(held.position) })}
      </p>
      {ownRun !== null && ownRun.value.kind === other.kind && (
        <RunGrid
          which="own"
          title={t('edits.thisRun')}
          ids={ownRun.ids}
          texts={texts}
          grid={ownRun.value.grid}
          held={null}
          marked={patched}
          onCell={putDown}
        />
      )}
    </div>
  )
}

/** Cells of this run that hold another's activation, as `layer.position`. */
function usePatchedCells(): ReadonlySet<string> {
  const anatomy = useAnatomy()
  const kind = usePatchState((state) => state.kind)
  const entries = useEditsState((state) => state.entries)
  return new Set(
    entries.flatMap(({ on, change }) => {
      const layer = change.kind === 'patch' ? anatomy.steps.get(change.step)?.layer : undefined
      if (!on || change.kind !== 'patch' || layer === undefined || layer === null) return []
      return change.step === patchStep(anatomy, layer, kind) ? [`${layer}.${change.position}`] : []
    }),
  )
}

/** The cell, or the grid's own place where that column is not on show. */
function focusCell(box: HTMLElement | null, which: 'own' | 'other', layer: number, position: number): void {
  const run = box?.querySelector<HTMLElement>(`[data-run="${which}"]`)
  const find = () =>
    (
      run?.querySelector<HTMLElement>(`[data-cell="${layer}.${position}"]`) ??
      run?.querySelector<HTMLElement>('[tabindex="0"]')
    )?.focus()
  requestAnimationFrame(() => requestAnimationFrame(find))
}
