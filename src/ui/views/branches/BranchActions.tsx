import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { MAX_CHILDREN } from './store.ts'
import { answeringModel, isRunning } from '../../../state/app.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { useAnswers, useBranches, useBranchesState, useChosen } from './hooks.ts'

const CHILDREN = Array.from({ length: MAX_CHILDREN - 1 }, (_, i) => i + 2)

/** What can be done with the chosen token, and what is being done. */
export function BranchActions() {
  const t = useTranslate()
  const branches = useBranches()
  const node = useChosen()
  const answers = useAnswers()
  const compared = useBranchesState((state) => state.compared)
  const isBranch = node !== null && node.parent !== branches.tree.root
  const ends = useEnds(node?.id ?? null)
  return (
    <div className="branches-actions cluster gap-2" role="toolbar" aria-label={t('view.branches')}>
      <button
        type="button"
        className="button"
        data-testid="branch-use"
        title={t('branches.useHint')}
        disabled={node === null || !answers}
        onClick={() => node !== null && void branches.use(node)}
      >
        <Icon name="text" />
        {t('branches.use')}
      </button>
      <ContinueButton disabled={node === null || !answers || ends} ends={ends} />
      <ExpandButton disabled={node === null || !answers || ends} ends={ends} />
      <button
        type="button"
        className="button"
        data-testid="branch-compare"
        title={t('branches.compareHint')}
        aria-pressed={compared !== null}
        disabled={node === null}
        onClick={() => void branches.compareWith(compared === null ? node : null)}
      >
        <Icon name="pair" />
        {t(compared === null ? 'branches.compare' : 'branches.compareEnd')}
      </button>
      <button
        type="button"
        className="button button-quiet"
        data-testid="branch-remove"
        title={t('branches.removeHint')}
        disabled={!isBranch}
        onClick={() => node !== null && branches.remove(node)}
      >
        <Icon name="close" />
        {t('branches.remove')}
      </button>
      <Progress />
    </div>
  )
}

/** Nothing follows a token that ends a text. */
function useEnds(id: number | null): boolean {
  return useApp((state) => id !== null && (answeringModel(state.model)?.eosIds.includes(id) ?? false))
}

interface GrowProps {
  disabled: boolean
  /** The chosen token ends its text: that is why. */
  ends: boolean
}

function ContinueButton({ disabled, ends }: GrowProps) {
  const t = useTranslate()
  const session = useSession()
  const branches = useBranches()
  const node = useChosen()
  const running = useApp((state) => isRunning(state.run))
  return (
    <button
      type="button"
      className={running ? 'button' : 'button button-primary'}
      data-testid="branch-continue"
      title={t(ends ? 'branches.ended' : 'branches.continueHint')}
      disabled={disabled && !running}
      onClick={() => {
        if (running) session.stop()
        else if (node !== null) void branches.continueFrom(node)
      }}
    >
      <Icon name={running ? 'stop' : 'forward'} />
      {t(running ? 'action.stop' : 'branches.continue')}
    </button>
  )
}

function ExpandButton({ disabled, ends }: GrowProps) {
  const t = useTranslate()
  const branches = useBranches()
  const node = useChosen()
  const children = useBranchesState((state) => state.children)
  return (
    <span className="branches-expand">
      <button
        type="button"
        className="button"
        data-testid="branch-expand"
        title={t(ends ? 'branches.ended' : 'branches.expandHint')}
        disabled={disabled}
        onClick={() => node !== null && void branches.expand(node, children)}
      >
        <Icon name="branch" />
        {t('branches.expand')}
      </button>
      <select
        className="select"
        data-testid="branch-children"
        aria-label={t('branches.children')}
        value={children}
        onChange={(event) => branches.state.setState({ children: Number(event.currentTarget.value) })}
      >
        {CHILDREN.map((count) => (
          <option key={count} value={count}>
            {count}
          </option>
        ))}
      </select>
    </span>
  )
}

function Progress() {
  const t = useTranslate()
  const phase = useBranchesState((state) => state.phase)
  if (phase.kind === 'failed') {
    return <ErrorNotice title={t('branches.failed')} error={phase.error} />
  }
  return (
    <div className="note" data-testid="branch-phase" data-state={phase.kind}>
      {phase.kind === 'working' && <ReadingBar words={t(`branches.working.${phase.what}`)} />}
      {phase.kind === 'idle' && phase.readAgain === true && (
        <span role="status">{t('branches.readAgain')}</span>
      )}
    </div>
  )
}
