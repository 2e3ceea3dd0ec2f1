import { OddCounts } from './OddCounts.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useStore } from 'zustand'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { answeringModel } from '../../../state/app.ts'
import { useCopied } from '../../components/useCopied.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { WatchPart } from './WatchPart.tsx'
import { isSoftware, LARGE, machineCheckOf, reportText, type MachineReport } from './machine.ts'

/** Whether this machine computes what it should, as a report that can be passed on. */
export function MachinePart() {
  const check = machineCheckOf(useSession())
  const t = useTranslate()
  const phase = useStore(check.state, (state) => state.phase)
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const checking = phase.kind === 'checking'
  return (
    <section
      className="models-part"
      aria-label={t('machine.title')}
      data-testid="machine"
      data-state={phase.kind}
    >
      <h2 className="eyebrow">{t('machine.title')}</h2>
      <p className="note models-about">{t('machine.about')}</p>
      <div className="models-actions">
        <button
          type="button"
          className="button"
          data-testid="machine-check"
          disabled={!ready}
          onClick={() => (checking ? check.cancel() : void check.start())}
        >
          {t(checking ? 'machine.cancel' : 'machine.check')}
        </button>
        {checking && (
          <ReadingBar
            done={phase.total === 0 ? null : phase.done}
            total={phase.total}
            label={t('machine.title')}
            words={phase.total === 0 ? '' : `${phase.done} / ${phase.total}`}
          />
        )}
        {phase.kind === 'done' && <CopyReport report={phase.report} />}
      </div>
      {phase.kind === 'failed' && <ErrorNotice error={phase.error} />}
      {phase.kind === 'done' && <Report report={phase.report} />}
      <WatchPart />
    </section>
  )
}

function CopyReport({ report }: { report: MachineReport }) {
  const t = useTranslate()
  const [copied, copy] = useCopied()
  return (
    <button
      type="button"
      className="button"
      data-testid="machine-copy"
      onClick={() => copy(reportText(report), 'Select the report by hand.')}
    >
      <Icon name={copied ? 'check' : 'copy'} />
      {t(copied ? 'action.copied' : 'machine.copy')}
    </button>
  )
}

function Report({ report }: { report: MachineReport }) {
  const t = useTranslate()
  const { adapter, kernels, model, values } = report
  const { odd, peak, steps, tokens } = values
  const wrong = kernels.filter(({ complaint }) => complaint !== null).length
  return (
    <div role="status">
      <p>
        <strong>{t(wrong + odd.length === 0 ? 'machine.sound' : 'machine.unsound')}</strong>
      </p>
      <p className="note">
        {adapter === null ? t('machine.noAdapter') : adapter.name}
        {isSoftware(model) && <strong> · {t('machine.software')}</strong>}
        {adapter !== null &&
          ` · ${t('machine.binding', { size: formatBytes(adapter.limits['maxStorageBufferBindingSize'] ?? 0) })}`}
      </p>
      <ul className="machine-list numeric">
        {kernels.map(({ what, error, complaint }) => (
          <li key={what} data-testid="machine-kernel" data-passed={complaint === null}>
            <Icon name={complaint === null ? 'check' : 'warning'} /> <code>{complaint ?? what}</code>
            {complaint === null && <span className="note"> {error.toExponential(1)}</span>}
          </li>
        ))}
      </ul>
      <p className="note numeric">
        {t('machine.values', {
          steps: formatCount(steps),
          tokens: formatCount(tokens),
          peak: peak.value.toPrecision(4),
          step: peak.step,
        })}
        {odd.length === 0 && ` ${t('machine.noneOdd', { large: formatCount(LARGE) })}`}
      </p>
      {odd.length > 0 && (
        <ul className="machine-list numeric">
          {odd.map((counted) => (
            <li key={counted.step} data-testid="machine-odd">
              <Icon name="warning" /> <code>{counted.step}</code> <OddCounts counts={counted} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
