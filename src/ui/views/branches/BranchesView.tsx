import { answeringModel, isRunning } from '../../../state/app.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { BranchActions } from './BranchActions.tsx'
import { Comparison } from './Comparison.tsx'
import { useBranches, useBranchesState, useLines, useWatchedBranches } from './hooks.ts'
import { BranchTree } from './BranchTree.tsx'

/** Every text of the model as one tree: forked, expanded, continued and compared. */
export function BranchesView() {
  useWatchedBranches()
  const t = useTranslate()
  const branches = useBranches()
  const lines = useLines()
  const model = useApp((state) => answeringModel(state.model)?.id ?? null)
  const compared = useBranchesState((state) => state.compared)
  const isOthers = model !== null && model !== branches.tree.modelId
  if (lines.length === 0 || isOthers) return <NothingToBranch written={lines.length > 0} />
  return (
    <div className="branches view" data-testid="branches-view">
      <p className="branches-about">{t('branches.about')}</p>
      <BranchActions />
      <BranchTree lines={lines} />
      {compared !== null && <Comparison />}
    </div>
  )
}

/** Why there is no tree, and the way to one. */
function NothingToBranch({ written }: { written: boolean }) {
  const { app, model } = useSession()
  const t = useTranslate()
  const loading = useApp((state) => state.model.kind === 'loading')
  const running = useApp((state) => isRunning(state.run))
  const title = () => {
    if (loading && model === null) return t('steps.loading')
    if (model === null) return t('steps.noModel')
    return t(running ? 'reading.waiting' : written ? 'branches.otherModel' : 'branches.empty')
  }
  return (
    <div className="empty-state" data-testid="branches-view">
      <div className="blank-slate" role="status">
        <p className="blank-slate-title">{title()}</p>
        {!loading && !running && (
          <>
            <p>{t('branches.emptyHint')}</p>
            <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
              {t('steps.toWrite')}
            </button>
          </>
        )}
      </div>
    </div>
  )
}
