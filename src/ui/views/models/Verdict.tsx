import { KV_FORMATS } from '../../../api/load.ts'
import type { Fit, FitOption, SourceReport } from '../../../api/source.ts'
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
          <KeysAndValues />
          <Ways report={report} />
        </>
      )}
    </div>
  )
}

/** What a position of the context is kept in. */
function KeysAndValues() {
  const models = useModels()
  const t = useTranslate()
  const chosen = useModelsState((state) => state.kvCache)
  return (
    <label className="models-file cluster gap-2">
      <span className="eyebrow">{t('models.kv')}</span>
      <select
        className="select"
        data-testid="kv-cache"
        value={chosen}
        title={t('models.kvHint')}
        onChange={({ currentTarget }) => {
          const format = KV_FORMATS.find((name) => name === currentTarget.value)
          if (format !== undefined) void models.chooseKv(format)
        }}
      >
        {KV_FORMATS.map((format) => (
          <option key={format} value={format}>
            {t(`models.kv.${format}`)}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Each way with what it takes, formats by contexts; those that fit can be chosen. */
function Ways({ report: { fit, weights } }: { report: SourceReport }) {
  const t = useTranslate()
  if (fit.options.length < 2) return null
  const contexts = [...new Set(fit.options.map(({ contextLength }) => contextLength))].toSorted(
    (a, b) => b - a,
  )
  const formats = [...new Set(fit.options.map((option) => option.weights))]
  const nameOf = (format: FitOption['weights']): string =>
    format === 'auto' ? t('models.way.stored', { format: weights }) : format
  return (
    <table className="models-ways">
      <caption className="visually-hidden">{t('models.ways')}</caption>
      <thead>
        <tr className="eyebrow">
          <td />
          {contexts.map((count) => (
            <th key={count} scope="col" className="numeric">
              {t('models.fact.contextValue', { count: formatCount(count) })}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {formats.map((format) => (
          <tr key={format}>
            <th scope="row">{nameOf(format)}</th>
            {contexts.map((count) => (
              <td key={count} className="numeric">
                <Way
                  fit={fit}
                  option={fit.options.find((one) => one.weights === format && one.contextLength === count)}
                  name={nameOf(format)}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface WayProps {
  fit: Fit
  option: FitOption | undefined
  name: string
}

function Way({ fit, option, name }: WayProps) {
  const models = useModels()
  const t = useTranslate()
  const chosen = useModelsState((state) => state.chosen) ?? fit.load
  if (option === undefined) return null
  const { contextLength, gpuBytes, fits } = option
  const context = t('models.fact.contextValue', { count: formatCount(contextLength) })
  return (
    <label data-fits={fits} title={fits ? undefined : t('models.way.tooMuch')}>
      <input
        type="radio"
        name="way"
        aria-label={`${name}, ${context}: ${formatBytes(gpuBytes)}`}
        checked={isSame(chosen, option)}
        disabled={!fits}
        onChange={() => models.choose(option)}
      />
      {formatBytes(gpuBytes)}
    </label>
  )
}
