import { useStore } from 'zustand'
import { ablationOf } from './ablation.ts'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { TableExport } from '../../components/TableExport.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { formatNats } from '../../components/numbers.ts'
import { useShownEdited } from './hooks.ts'
import { KlLegend } from './KlLegend.tsx'

const NOTHING: Readonly<Record<string, number>> = {}

/** What was measured of the text on show. */
export function useEffects(): Readonly<Record<string, number>> {
  const { ids, scales, effects } = useStore(ablationOf(useSession()).state)
  const shown = useShownEdited()
  if (shown === null || shown.value.scales !== scales || shown.ids.length !== ids.length) return NOTHING
  return shown.ids.every((id, at) => id === ids[at]) ? effects : NOTHING
}

/** Runs the text once with every single part off, and shades the parts by what that did. */
export function AblationControls({ largest }: { largest: number }) {
  const ablation = ablationOf(useSession())
  const t = useTranslate()
  const phase = useStore(ablation.state, (state) => state.phase)
  const ready = useShownEdited() !== null
  const effects = useEffects()
  const measuring = phase.kind === 'measuring'
  return (
    <>
      {measuring ? (
        <ReadingBar
          testId="reading"
          done={phase.done}
          total={phase.total}
          words={t('edits.measuring', { done: phase.done, total: phase.total })}
          onCancel={() => ablation.stop()}
        />
      ) : (
        <button
          type="button"
          className="button button-small"
          data-testid="edit-measure"
          title={t('edits.measureHint')}
          disabled={!ready}
          onClick={() => void ablation.start()}
        >
          {t('edits.measure')}
        </button>
      )}
      {!measuring && largest > 0 && (
        <>
          <KlLegend label={t('edits.effectScale')} end={`${formatNats(largest)} nat`} />
          <TableExport
            name="parts"
            columns={['step', 'head', 'kl_nats']}
            rows={() => Object.entries(effects).map(([part, kl]) => [...part.split('/'), kl])}
          />
        </>
      )}
    </>
  )
}
