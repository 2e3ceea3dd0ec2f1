import type { FitOption, SourceReport } from '../../../api/source.ts'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useModels, useModelsState } from './hooks.ts'

const isSame = (a: FitOption | null, b: FitOption): boolean =>
  a?.weights === b.weights && a.contextLength === b.contextLength

/** Whether it fits, with the numbers, and the ways to load it. */
export function Verdict({ report }: { report: SourceReport }) {
  const t = useTranslate()
  const { fit } = report
  const least = Math.min(...fit.options.map(({ gpuBytes }) => gpuBytes))
  const sentence = t(`models.verdict.${fit.verdict}`, {
    need: formatBytes(fit.gpuBytes),
    less: formatBytes(fit.load?.gpuBytes ?? 0),
    limit: formatBytes(fit.limitBytes),
    least: formatBytes(Number.isFinite(least) ? least : 0),
    context: formatCount(fit.load?.contextLength ?? 0),
  })
  return (
    <div className="models-verdict">
      <p
        className="models-verdict-words"
        data-testid="fit-verdict"
        data-verdict={fit.verdict}
        data-fits={fit.fits}
        role="status"
      >
        {sentence}
      </p>
      {fit.verdict === 'unsupported' ? (
        <p className="note">{fit.why}</p>
      ) : (
        <>
          <p className="note">{t('models.limitNote')}</p>
          <Ways report={report} />
        </>
      )}
    </div>
  )
}

/** Each way with what it takes; those that fit can be chosen. */
function Ways({ report: { fit, weights } }: { report: SourceReport }) {
  const models = useModels()
  const t = useTranslate()
  const chosen = useModelsState((state) => state.chosen) ?? fit.load
  if (fit.options.length < 2) return null
  return (
    <table className="models-ways">
      <caption className="visually-hidden">{t('models.ways')}</caption>
      <thead>
        <tr className="eyebrow">
          <th scope="col">{t('models.way.weights')}</th>
          <th scope="col">{t('models.way.context')}</th>
          <th scope="col">{t('models.way.memory')}</th>
        </tr>
      </thead>
      <tbody>
        {fit.options.map((option) => {
          const name =
            option.weights === 'auto' ? t('models.way.stored', { format: weights }) : option.weights
          return (
            <tr key={`${option.weights}/${option.contextLength}`} data-fits={option.fits}>
              <td>
                <label>
                  <input
                    type="radio"
                    name="way"
                    checked={isSame(chosen, option)}
                    disabled={!option.fits}
                    onChange={() => models.choose(option)}
                  />
                  {name}
                </label>
              </td>
              <td className="numeric">{formatCount(option.contextLength)}</td>
              <td className="numeric">
                {formatBytes(option.gpuBytes)}
                {!option.fits && <span className="note"> {t('models.way.tooMuch')}</span>}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
