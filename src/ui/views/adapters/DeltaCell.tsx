import { useEffect, useState } from 'react'
import type { Track } from '../../../state/adapterScales.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import type { DirectionTokens, Model, ModuleAnalysis } from '../../../api/model.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useAdaptersState } from './hooks.ts'

/** Singular values shown as bars. */
const BARS = 32
/** Tokens shown per side of a direction. */
const TOKENS = 8

/** One module's update taken apart: its directions, their strength, and the tokens they read and write. */
export function DeltaCell({ track, module }: { track: Track; module: ModuleAnalysis }) {
  const t = useTranslate()
  const [k, setK] = useState(0)
  const { step, singularValues, energy, effectiveRank, rank } = module
  const largest = singularValues[0] ?? 0
  return (
    <section className="delta-cell" aria-label={step}>
      <h3 className="delta-step">{step}</h3>
      <p className="note numeric">
        {t('delta.rank', { effective: formatFixed(effectiveRank, 2), rank })} ·{' '}
        {t('delta.energy', { share: share(energy[0]), top: share(energy[3] ?? energy.at(-1)) })}
      </p>
      <div className="spectrum" role="radiogroup" aria-label={t('delta.values')}>
        {singularValues.slice(0, BARS).map((value, index) => (
          <label key={index} className="spectrum-bar" title={`σ${index + 1} = ${formatFixed(value, 4)}`}>
            <input
              type="radio"
              name={`direction-${step}`}
              className="visually-hidden"
              aria-label={`σ${index + 1} = ${formatFixed(value, 4)}`}
              checked={index === k}
              onChange={() => setK(index)}
            />
            <span style={{ '--share': largest > 0 ? value / largest : 0 }} />
          </label>
        ))}
      </div>
      <div className="spectrum-axis note numeric" aria-hidden="true">
        <span>σ₁ = {formatFixed(largest, 3)}</span>
        <span>{t('delta.values')}</span>
      </div>
      <Direction track={track} step={step} k={k} />
      <Similarity track={track} step={step} />
    </section>
  )
}

const share = (value: number | undefined) => `${formatFixed((value ?? 0) * 100, 1)}%`

type Words = Pick<DirectionTokens, 'singularValue'> & {
  reads: { text: string; score: number }[] | null
  writes: { text: string; score: number }[] | null
}

async function readDirection(model: Model, id: string, step: string, k: number): Promise<Words> {
  const { reads, writes, singularValue } = await model.adapterDirections(id, step, k)
  const words = (side: DirectionTokens['reads']) =>
    side === null
      ? null
      : Promise.all(
          side.slice(0, TOKENS).map(async ({ id, score }) => ({
            text: model.info.hasTokenizer ? visibleText(await model.decode([id])) : String(id),
            score,
          })),
        )
  return { singularValue, reads: await words(reads), writes: await words(writes) }
}

/** Tokens along direction `k`: on the left what it reacts to, on the right what it pushes. */
function Direction({ track, step, k }: { track: Track; step: string; k: number }) {
  const session = useSession()
  const t = useTranslate()
  const [words, setWords] = useState<{ k: number; words: Words } | null>(null)
  useEffect(() => {
    const { model } = session
    if (model === null) return
    let wanted = true
    readDirection(model, track.id, step, k).then(
      (loaded) => wanted && setWords({ k, words: loaded }),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, track.id, step, k])
  if (words === null) {
    return (
      <p className="note" role="status">
        {t('delta.readingDirection')}
      </p>
    )
  }
  return (
    <div className="direction" aria-busy={words.k !== k}>
      <h4 className="eyebrow">
        {t('delta.direction', { k: words.k + 1, value: formatFixed(words.words.singularValue, 4) })}
      </h4>
      <div className="direction-sides">
        <TokenList title={t('delta.reads')} none={t('delta.noReads')} words={words.words.reads} />
        <TokenList title={t('delta.writes')} none={t('delta.noWrites')} words={words.words.writes} />
      </div>
    </div>
  )
}

function TokenList({ title, none, words }: { title: string; none: string; words: Words['reads'] }) {
  return (
    <div>
      <h5 className="direction-title">{title}</h5>
      {words === null ? (
        <p className="note">{none}</p>
      ) : (
        <ul className="direction-words">
          {words.map(({ text, score }, index) => (
            <li key={index}>
              <span className="direction-word one-line">{text === '' ? '◌' : text}</span>
              <span className="numeric">{formatFixed(score, 2)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Cosine between this update and the other adapters' on the same module. */
function Similarity({ track, step }: { track: Track; step: string }) {
  const t = useTranslate()
  const session = useSession()
  // A string, so that a moved slider reads nothing again.
  const others = useAdaptersState((state) =>
    state.tracks
      .filter(({ id }) => id !== track.id)
      .map(({ id, name }) => `${id}\t${name}`)
      .join('\n'),
  )
  const [rows, setRows] = useState<{ name: string; here: number | null; mean: number | null }[]>([])
  useEffect(() => {
    const { model } = session
    if (model === null) return
    let wanted = true
    const read = ([id = '', name = '']: readonly string[]) =>
      model.adapterSimilarity(track.id, id).then((list) => {
        const cosines = list.flatMap(({ cosine }) => cosine ?? [])
        const mean =
          cosines.length === 0 ? null : cosines.reduce((sum, value) => sum + value, 0) / cosines.length
        return { name, here: list.find((one) => one.step === step)?.cosine ?? null, mean }
      })
    Promise.all(others === '' ? [] : others.split('\n').map((line) => read(line.split('\t')))).then(
      (loaded) => wanted && setRows(loaded),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, others, track.id, step])
  if (rows.length === 0) return null
  const number = (value: number | null) => (value === null ? '—' : formatFixed(value, 3))
  return (
    <table className="plain-table similarity">
      <caption className="eyebrow">{t('delta.cosine')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('delta.other')}</th>
          <th scope="col">{t('delta.here')}</th>
          <th scope="col">{t('delta.mean')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, here, mean }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{number(here)}</td>
            <td>{number(mean)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
