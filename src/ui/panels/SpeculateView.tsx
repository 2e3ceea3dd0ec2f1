import { answeringModel } from '../../store/app.ts'
import { useApp, useTranslate } from '../context.ts'
import { RoundColumns } from './speculate/Rounds.tsx'
import { DraftControls } from './speculate/DraftControls.tsx'
import { SpeculatedText } from './speculate/SpeculatedText.tsx'
import { SpeculationSummary } from './speculate/SpeculationSummary.tsx'
import { useSpeculateKeys, useSpeculateState } from './speculate/hooks.ts'

/** A draft model proposes, the model checks: one column a round, the text below. */
export function SpeculateView() {
  useSpeculateKeys()
  const shown = useSpeculateState((state) => state.shown !== null)
  return (
    <div className="speculate" data-testid="speculate-view">
      <DraftControls />
      {shown ? (
        <>
          <SpeculationSummary />
          <RoundColumns />
          <SpeculatedText />
        </>
      ) : (
        <Nothing />
      )}
    </div>
  )
}

function Nothing() {
  const t = useTranslate()
  const loading = useApp((state) => state.model.kind === 'loading')
  const answers = useApp((state) => answeringModel(state.model) !== null)
  const title = answers ? 'speculate.empty' : loading ? 'speculate.loading' : 'speculate.noModel'
  return (
    <div className="blank-slate" role="status">
      <p className="blank-slate-title">{t(title)}</p>
      <p>{t('speculate.emptyHint')}</p>
    </div>
  )
}
