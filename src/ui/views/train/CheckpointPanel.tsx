import { useState } from 'react'
import { packFiles } from '../../../state/adapterFiles.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { askAgain, loadCheckpoint, trainFrom } from './store/checkpointUse.ts'
import type { RunCheckpoint } from './store/checkpoints.ts'
import type { KeptRun } from './store/keptRuns.ts'
import { isUnderWay } from './store/runState.ts'
import { formatBytes, formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { useSession, useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { saveFile } from '../../components/saveFile.ts'
import { Exact } from './Exact.tsx'
import { useCheckpoint, useRun, useTraining, useUse } from './hooks.ts'

/** A slider over the checkpoints of the run: what each says beside the base, and what may be done with it. */
export function CheckpointPanel() {
  const t = useTranslate()
  const { checkpoint } = useCheckpoint()
  return (
    <div className="train-checkpoints">
      {checkpoint === null ? (
        <p className="note">{t('train.noCheckpoint')}</p>
      ) : (
        <>
          <Scrubber />
          <Actions checkpoint={checkpoint} />
          <Exact checkpoint={checkpoint} />
          <Prompt />
          <Samples checkpoint={checkpoint} />
          <Words checkpoint={checkpoint} />
        </>
      )}
      <Earlier />
    </div>
  )
}

function Scrubber() {
  const t = useTranslate()
  const { run } = useTraining()
  const { checkpoints, index, checkpoint } = useCheckpoint()
  const isKept = useRun((state) => state.isKept)
  const moments = useRun((state) => state.momentBytes)
  const last = checkpoints.length - 1
  const steps = formatCount(checkpoint?.steps ?? 0)
  return (
    <section className="train-part">
      <label className="eyebrow" htmlFor="train-scrubber">
        {t('train.checkpoint', { steps })}
      </label>
      <input
        id="train-scrubber"
        type="range"
        className="slider"
        data-testid="train-scrubber"
        data-steps={checkpoint?.steps}
        min={0}
        max={Math.max(1, last)}
        step={1}
        value={index}
        disabled={last < 1}
        aria-valuetext={t('train.checkpoint', { steps })}
        style={{ '--share': last < 1 ? 0 : index / last }}
        onChange={(event) => {
          const chosen = checkpoints[event.currentTarget.valueAsNumber]
          if (chosen !== undefined) run.look(chosen.steps)
        }}
      />
      <p className="note numeric">
        {typeof checkpoint?.heldLoss === 'number' &&
          `${t('train.heldLoss', { loss: formatFixed(checkpoint.heldLoss, 3) })} · `}
        {formatBytes(checkpoint?.bytes ?? 0)}
        {isKept !== null && ` · ${t(isKept ? 'train.kept' : 'train.notKept')}`}
        {index === last && moments > 0 && ` · ${t('train.moments', { size: formatBytes(moments) })}`}
      </p>
    </section>
  )
}

function Actions({ checkpoint: { steps } }: { checkpoint: RunCheckpoint }) {
  const t = useTranslate()
  const session = useSession()
  const { run } = useTraining()
  const use = useUse()
  const underWay = useRun((state) => isUnderWay(state.phase))
  const name = useRun((state) => state.run?.name ?? 'adapter')
  const attempt = (work: () => Promise<void>) => void work().catch((error: unknown) => session.report(error))
  const save = async () => {
    const files = await run.filesAt(steps)
    if (files !== null) saveFile(await packFiles(files, `${name}-${steps}`))
  }
  return (
    <div className="train-buttons">
      <button
        type="button"
        className="button button-small"
        data-testid="train-load"
        title={t(underWay ? 'train.loadOffHint' : 'train.loadHint')}
        disabled={use === null}
        onClick={() => use && attempt(() => loadCheckpoint(use, steps))}
      >
        {t('train.load')}
      </button>
      <button
        type="button"
        className="button button-small"
        data-testid="train-from"
        title={t('train.fromHint')}
        disabled={use === null || underWay}
        onClick={() => use && attempt(() => trainFrom(use, steps))}
      >
        {t('train.from')}
      </button>
      <button
        type="button"
        className="button button-small"
        data-testid="train-save"
        onClick={() => attempt(save)}
      >
        {t('train.export')}
      </button>
    </div>
  )
}

/** The text that every checkpoint goes on from. */
function Prompt() {
  const t = useTranslate()
  const session = useSession()
  const { run } = useTraining()
  const use = useUse()
  const [asking, setAsking] = useState(false)
  const prompt = useRun((state) => state.prompt)
  const running = useRun(({ phase }) => isUnderWay(phase) && phase.kind !== 'paused')
  const stale = useRun((state) => state.checkpoints.some(({ sample }) => sample.prompt !== state.prompt))
  const ask = () => {
    if (use === null) return
    setAsking(true)
    askAgain(use)
      .catch((error: unknown) => session.report(error))
      .finally(() => setAsking(false))
  }
  return (
    <section className="train-part">
      <label className="eyebrow" htmlFor="train-prompt">
        {t('train.prompt')}
      </label>
      <textarea
        id="train-prompt"
        className="train-text"
        data-testid="train-prompt"
        rows={2}
        spellCheck={false}
        value={prompt}
        onChange={(event) => run.setPrompt(event.currentTarget.value)}
      />
      {stale && (
        <p className="note">
          {t(running ? 'train.promptLater' : 'train.promptStale')}{' '}
          {!running && (
            <button
              type="button"
              className="button button-small"
              data-testid="train-ask"
              disabled={use === null || asking}
              onClick={ask}
            >
              {t(asking ? 'train.asking' : 'train.ask')}
            </button>
          )}
        </p>
      )}
    </section>
  )
}

/** What the base and the checkpoint write behind the prompt. */
function Samples({ checkpoint }: { checkpoint: RunCheckpoint }) {
  const t = useTranslate()
  const { checkpoints } = useCheckpoint()
  const base = checkpoints.find(({ steps }) => steps === 0)
  const lines = [
    ...(base !== undefined && base.steps !== checkpoint.steps ? [{ name: t('train.base'), of: base }] : []),
    {
      name:
        checkpoint.steps === 0 ? t('train.base') : t('train.after', { steps: formatCount(checkpoint.steps) }),
      of: checkpoint,
    },
  ]
  return (
    <section className="train-part">
      <h3 className="eyebrow">{t('train.samples')}</h3>
      <dl className="train-samples">
        {lines.map(({ name, of }) => (
          <div key={name}>
            <dt className="note">{name}</dt>
            <dd data-testid="train-sample" data-steps={of.steps}>
              {of.sample.text === '' ? '—' : of.sample.text}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** The first word of every layer behind the prompt, checkpoint by checkpoint: where in depth and time the answer comes up. */
function Words({ checkpoint }: { checkpoint: RunCheckpoint }) {
  const t = useTranslate()
  const { checkpoints } = useCheckpoint()
  const layers = [...new Set(checkpoints.flatMap(({ lens }) => lens.map(({ layer }) => layer)))].sort(
    (a, b) => b - a,
  )
  if (layers.length === 0) return null
  return (
    <section className="train-part">
      <h3 className="eyebrow" title={t('train.lensHint')}>
        {t('train.lens')}
      </h3>
      <div className="train-lens" tabIndex={0} role="group" aria-label={t('train.lens')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('train.layer')}</th>
              {checkpoints.map(({ steps }) => (
                <th key={steps} scope="col" aria-current={steps === checkpoint.steps ? 'true' : undefined}>
                  {formatCount(steps)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {layers.map((layer) => (
              <tr key={layer}>
                <th scope="row">{layer < 0 ? t('train.embedding') : layer}</th>
                {checkpoints.map(({ steps, lens }) => {
                  const word = lens.find((one) => one.layer === layer)
                  if (word === undefined) return <td key={steps} />
                  return (
                    <td
                      key={steps}
                      data-testid="train-lens-cell"
                      title={formatProbability(word.probability)}
                      style={{ '--level': `var(--seq-${probabilityLevel(Math.log(word.probability))})` }}
                    >
                      {visibleText(word.text)}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** Runs that were kept in this browser. */
function Earlier() {
  const t = useTranslate()
  const shown = useRun((state) => state.run?.id)
  const earlier = useRun((state) => state.earlier)
  const underWay = useRun((state) => isUnderWay(state.phase))
  const others = earlier?.filter(({ info }) => info.id !== shown) ?? []
  if (others.length === 0) return null
  return (
    <section className="train-part">
      <h3 className="eyebrow">{t('train.earlier')}</h3>
      <ul className="train-earlier">
        {others.map((run) => (
          <EarlierRun key={run.info.id} run={run} disabled={underWay} />
        ))}
      </ul>
    </section>
  )
}

function EarlierRun({ run, disabled }: { run: KeptRun; disabled: boolean }) {
  const t = useTranslate()
  const { run: training } = useTraining()
  const { name, model } = run.info
  const steps = formatCount(run.curve.steps.length)
  return (
    <li>
      <span>
        {name} <span className="note">{t('train.earlierOf', { model, steps })}</span>
      </span>
      <button
        type="button"
        className="button button-small"
        data-testid="train-earlier"
        aria-label={t('train.openRun', { name })}
        disabled={disabled}
        onClick={() => void training.open(run)}
      >
        {t('train.openShort')}
      </button>
      <button
        type="button"
        className="button button-small"
        aria-label={t('train.forgetRun', { name })}
        disabled={disabled}
        onClick={() => void training.remove(run)}
      >
        {t('train.forget')}
      </button>
    </li>
  )
}
