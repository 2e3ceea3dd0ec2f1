import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { formatCount } from '../../../maths/format.ts'
import type { RunCheckpoint } from './store/checkpoints.ts'
import { countAt } from './store/checkpointUse.ts'
import { isUnderWay } from './store/runState.ts'
import { useCheckpoint, useRun, useSplit, useTraining, useUse } from './hooks.ts'

/** How many held-out prompts a checkpoint answers word for word, beside the base. */
export function Exact({ checkpoint }: { checkpoint: RunCheckpoint }) {
  const t = useTranslate()
  const { run } = useTraining()
  const { checkpoints } = useCheckpoint()
  useSplit()
  const counting = useRun((state) => state.counting)
  if (run.answerable() === 0 && checkpoint.exact === undefined) return null
  const base = checkpoints.find(({ steps }) => steps === 0)
  const lines = [
    ...(base === undefined ? [] : [{ name: t('train.base'), of: base }]),
    ...(checkpoint.steps === 0
      ? []
      : [{ name: t('train.after', { steps: formatCount(checkpoint.steps) }), of: checkpoint }]),
  ]
  return (
    <section className="train-part">
      <h3 className="eyebrow" title={t('train.exactHint')}>
        {t('train.exact')}
      </h3>
      <dl className="train-exact">
        {lines.map(({ name, of: { steps, exact } }) => (
          <div key={steps}>
            <dt className="note">{name}</dt>
            <dd
              className="numeric"
              data-testid="train-exact"
              data-steps={steps}
              data-exact={exact?.exact}
              data-of={exact?.of}
            >
              {exact === undefined
                ? '—'
                : t('train.exactOf', { exact: formatCount(exact.exact), of: formatCount(exact.of) })}
            </dd>
          </div>
        ))}
      </dl>
      {counting === null ? (
        checkpoint.exact === undefined && <CountButton steps={checkpoint.steps} />
      ) : (
        <ReadingBar
          done={counting.asked}
          total={counting.of}
          words={t('train.counting', { asked: formatCount(counting.asked), of: formatCount(counting.of) })}
        >
          <button
            type="button"
            className="button button-small"
            data-testid="train-count-stop"
            onClick={() => run.stopCounting()}
          >
            {t('action.stop')}
          </button>
        </ReadingBar>
      )}
    </section>
  )
}

function CountButton({ steps }: { steps: number }) {
  const t = useTranslate()
  const session = useSession()
  const use = useUse()
  const busy = useRun(({ phase }) => isUnderWay(phase) && phase.kind !== 'paused')
  return (
    <button
      type="button"
      className="button button-small"
      data-testid="train-count"
      title={t('train.exactHint')}
      disabled={use === null || busy}
      onClick={() => {
        if (use !== null) countAt(use, steps).catch((error: unknown) => session.report(error))
      }}
    >
      {t('train.count.start')}
    </button>
  )
}
