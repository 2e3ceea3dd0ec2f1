import { NoText } from '../../components/EmptyState.tsx'
import { answeringModel } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
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
  const t = useTranslate()
  const other = t('branches.otherModel')
  return (
    <div className="empty-state" data-testid="branches-view">
      <NoText empty={written ? other : t('branches.empty')} other={other} hint={t('branches.emptyHint')} />
    </div>
  )
}
