import { isIdle, type Track } from '../../../state/adapterScales.ts'
import type { AdapterReport } from '../../../api/model.ts'
import { ErrorWords } from '../../components/ErrorWords.tsx'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { formatBytes, formatCount, formatFixed } from '../../../maths/format.ts'
import { formatNats } from '../../components/numbers.ts'

/** What was read from the files, where it went, and what it measurably does. */
export function AdapterReportPanel({ track }: { track: Track }) {
  const t = useTranslate()
  const { report } = track
  const idle = isIdle(report)
  // The alarm above says it once.
  const warnings = report.warnings.filter((text) => !idle || !text.includes('changes nothing'))
  return (
    <div className="report" data-testid="adapter-report" data-adapter-id={track.id}>
      {idle && (
        <p className="report-alarm cluster" role="alert">
          <Icon name="warning" />
          <strong>{t('report.zero')}</strong> {t('report.zeroHint')}
        </p>
      )}
      {report.heldOff && !track.enabled && (
        <p className="note">{t('report.heldOff', { ...report.heldOff })}</p>
      )}
      <Facts report={report} />
      {warnings.length > 0 && (
        <ul className="report-warnings">
          {warnings.map((warning) => (
            <li key={warning}>
              <Icon name="warning" />
              <ErrorWords
                error={{ code: 'bad-file', message: warning, hint: '', details: {} }}
                part="message"
              />
            </li>
          ))}
        </ul>
      )}
      <Modules report={report} />
      <Replaced report={report} />
    </div>
  )
}

function Facts({ report }: { report: AdapterReport }) {
  const t = useTranslate()
  const { effect, baseModel, matchedKeys, unmatchedEntries } = report
  const match = baseModel.matches === null ? 'unknown' : baseModel.matches ? 'same' : 'other'
  const facts = [
    [
      t('report.effect'),
      effect === null
        ? t('scales.notMeasured')
        : t('report.effectValue', {
            logit: formatFixed(effect.maxDeltaLogit, 3),
            kl: formatNats(effect.meanKl),
          }),
      t('scales.effectHint'),
    ],
    [
      t('report.keys'),
      t('report.keysValue', { matched: matchedKeys, unmatched: unmatchedEntries.length }),
      '',
    ],
    [t('report.base'), `${baseModel.named ?? t('report.unnamed')} — ${t(`report.base.${match}`)}`, ''],
    [
      t('report.size'),
      t('report.sizeValue', { bytes: formatBytes(report.bytes), count: formatCount(report.parameters) }),
      '',
    ],
    [t('report.features'), report.features.join(', ') || '—', ''],
  ] as const
  return (
    <dl className="report-facts">
      {facts.map(([name, value, hint]) => (
        <div key={name} title={hint === '' ? undefined : hint}>
          <dt>{name}</dt>
          <dd className="numeric">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Every module the adapter acts on; rows open on demand, as there may be hundreds. */
function Modules({ report }: { report: AdapterReport }) {
  const t = useTranslate()
  if (report.matched.length === 0) return null
  return (
    <details className="report-modules">
      <summary>{t('report.modules', { count: report.matched.length })}</summary>
      <div
        className="report-scroll"
        tabIndex={0}
        role="region"
        aria-label={t('report.modules', { count: report.matched.length })}
      >
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">{t('report.step')}</th>
              <th scope="col">{t('report.source')}</th>
              <th scope="col">{t('report.rank')}</th>
              <th scope="col">{t('report.alpha')}</th>
              <th scope="col">{t('report.scaling')}</th>
              <th scope="col">{t('report.shapes')}</th>
            </tr>
          </thead>
          <tbody>
            {report.matched.map(({ step, source, rank, alpha, scaling, shapes, dora }) => (
              <tr key={step}>
                <th scope="row">{step}</th>
                <td>{source}</td>
                <td>{rank}</td>
                <td>{alpha}</td>
                <td>{formatFixed(scaling, 3)}</td>
                <td>
                  {shapes.a.join(' × ')}, {shapes.b.join(' × ')}
                  {dora && ' + DoRA'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function Replaced({ report }: { report: AdapterReport }) {
  const t = useTranslate()
  if (report.replaced.length === 0) return null
  return (
    <details className="report-modules">
      <summary>{t('report.replaced', { count: report.replaced.length })}</summary>
      <ul className="note">
        {report.replaced.map(({ name, shape, origin }) => (
          <li key={name}>
            {name} [{shape.join(' × ')}] · {origin}
          </li>
        ))}
      </ul>
    </details>
  )
}
