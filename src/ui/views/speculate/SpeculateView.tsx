import { BlankSlate } from '../../components/BlankSlate.tsx'
import { answeringModel } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
import { RoundColumns } from './Rounds.tsx'
import { DraftControls } from './DraftControls.tsx'
import { useChanges } from './MadeWith.tsx'
import { SpeculatedText } from './SpeculatedText.tsx'
import { SpeculationSummary } from './SpeculationSummary.tsx'
import { useSpeculateState } from './hooks.ts'

/** A draft model proposes, the model checks: one column a round, the text below. */
export function SpeculateView() {
  const shown = useSpeculateState((state) => state.shown !== null)
  const stale = useChanges().length > 0
  return (
    <div className="speculate view" data-testid="speculate-view">
      <DraftControls />
      {shown ? (
        <div className="speculate-result" data-stale={stale}>
          <SpeculationSummary />
          <RoundColumns />
          <SpeculatedText />
        </div>
      ) : (
        <EmptySpeculation />
      )}
    </div>
  )
}

function EmptySpeculation() {
  const t = useTranslate()
  const loading = useApp((state) => state.model.kind === 'loading')
  const answers = useApp((state) => answeringModel(state.model) !== null)
  const title = answers ? 'speculate.empty' : loading ? 'speculate.loading' : 'speculate.noModel'
  return (
    <BlankSlate title={t(title)}>
      <p>{t('speculate.emptyHint')}</p>
    </BlankSlate>
  )
}
