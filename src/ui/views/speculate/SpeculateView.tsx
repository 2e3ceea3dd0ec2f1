import { BlankSlate } from '../../components/BlankSlate.tsx'
import { answeringModel } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
import { RoundColumns } from './Rounds.tsx'
import { DraftControls } from './DraftControls.tsx'
import { useChanges } from './MadeWith.tsx'
import { SpeculatedText } from './SpeculatedText.tsx'
import { SpeculationSummary } from './SpeculationSummary.tsx'
import { slotsOf } from '../../../analysis/speculatedRounds.ts'
import { TableExport } from '../../components/TableExport.tsx'
import { useRounds, useSpeculateState } from './hooks.ts'

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
          <RoundsExport />
        </div>
      ) : (
        <EmptySpeculation />
      )}
    </div>
  )
}

/** A line for every place of every round. */
function RoundsExport() {
  const rounds = useRounds()
  return (
    <TableExport
      name="speculation"
      columns={[
        'round',
        'slot',
        'proposed_id',
        'outcome',
        'p_draft',
        'p_model',
        'written_id',
        'draft_ms',
        'model_ms',
      ]}
      rows={() =>
        rounds.flatMap((round) =>
          slotsOf(round).map(({ proposal, token }, slot) => [
            round.index,
            slot,
            proposal?.id ?? null,
            proposal?.outcome ?? 'own',
            proposal?.draftProbability ?? null,
            proposal?.modelProbability ?? null,
            token?.id ?? null,
            round.draftMs,
            round.modelMs,
          ]),
        )
      }
    />
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
