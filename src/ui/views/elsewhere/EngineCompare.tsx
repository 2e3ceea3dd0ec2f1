import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { useStore } from 'zustand'
import { loadBeside } from '../../../state/elsewhere/own.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { endComposition, isRunKey } from '../../components/composition.ts'
import { Icon } from '../../components/Icon.tsx'
import { PromptField } from '../../components/PromptField.tsx'
import { RunButtons } from '../../components/RunButtons.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { meanDivergence, type WrittenToken } from './agreement.ts'
import { duelOf, type DuelState } from './duel.ts'

/** Places listed one by one. */
const MAX_PLACES = 256

function useDuel<T>(select: (state: DuelState) => T): T {
  return useStore(duelOf(useSession()).state, select)
}

/** The tab's model and the engine on one prompt: both texts, where they agree, and how far their predictions are apart. */
export function EngineCompare() {
  const t = useTranslate()
  const empty = useDuel(({ phase }) => phase.kind === 'empty')
  return (
    <div className="duel view" data-testid="duel">
      <Controls />
      {empty ? <p className="duel-part note">{t('ab.empty')}</p> : <Result />}
    </div>
  )
}

function Controls() {
  const session = useSession()
  const t = useTranslate()
  return (
    <section className="prompt">
      <h2 className="eyebrow">{t('ab.title')}</h2>
      <p className="note">{t('ab.about')}</p>
      <PromptField
        onKeyDown={(event) => {
          if (!isRunKey(event)) return
          // Here it runs both, not the text of the page.
          event.preventDefault()
          endComposition(event.nativeEvent)
          event.stopPropagation()
          void duelOf(session).run()
        }}
      />
      <div className="actions">
        <Actions />
      </div>
    </section>
  )
}

function Actions() {
  const session = useSession()
  const t = useTranslate()
  const running = useDuel(({ phase }) => phase.kind === 'running')
  const loading = useApp((state) => state.model.kind === 'loading')
  const catalogue = useApp((state) => state.catalogue)
  const modelId = useApp((state) => state.modelId) ?? catalogue.initial
  const duel = duelOf(session)
  if (session.ownModel !== null)
    return (
      <RunButtons
        label={t('ab.run')}
        ready={!running}
        running={running}
        onRun={() => void duel.run()}
        onStop={() => duel.stop()}
      />
    )
  const name = catalogue.models.find(({ id }) => id === modelId)?.name ?? modelId ?? ''
  return (
    <>
      <span className="note">{t('ab.noOwn')}</span>
      <button
        type="button"
        className="button button-primary"
        data-testid="ab-load"
        disabled={loading}
        onClick={() => {
          loadBeside(session).catch((error: unknown) => session.report(error))
        }}
      >
        <Icon name="open" />
        {t('far.load', { name })}
      </button>
    </>
  )
}

function Result() {
  const t = useTranslate()
  const { phase, sides, local, far, agreement } = useDuel((state) => state)
  if (sides === null) return null
  return (
    <>
      <div className="duel-part duel-texts">
        <Text
          name={t('ab.own', { name: sides.local })}
          testId="output-a"
          tokens={local}
          same={agreement?.same.local}
        />
        <Text
          name={t('ab.far', { name: sides.far, host: sides.host })}
          testId="output-b"
          tokens={far}
          same={agreement?.same.far}
        />
      </div>
      {phase.kind === 'failed' && (
        <div className="duel-part">
          <ErrorNotice error={phase.error} />
        </div>
      )}
      <Summary />
      <Places />
    </>
  )
}

interface TextProps {
  name: string
  testId: string
  tokens: readonly WrittenToken[]
  same: readonly boolean[] | undefined
}

function Text({ name, testId, tokens, same }: TextProps) {
  return (
    <section aria-label={name}>
      <h3 className="eyebrow">{name}</h3>
      <p className="duel-text" data-testid={testId}>
        {tokens.map(({ text }, index) =>
          same?.[index] === false ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
        )}
      </p>
    </section>
  )
}

function Summary() {
  const t = useTranslate()
  const { agreement, places, shared, phase } = useDuel((state) => state)
  if (agreement === null) return null
  const { unit, agree, count, parted } = agreement
  const mean = meanDivergence(places)
  const values = { agree, count }
  return (
    <div className="duel-part duel-summary" role="status">
      <p
        data-testid="ab-agreement"
        data-unit={unit}
        data-agree={agree}
        data-count={count}
        data-state={phase.kind}
      >
        {unit === 'tokens' ? t('ab.agreeTokens', values) : t('ab.agreeCharacters', values)}{' '}
        {parted === null ? t('ab.together') : t('ab.parted', { text: parted })}
      </p>
      <p className="note">{t(shared ? 'ab.same' : 'ab.other')}</p>
      {phase.kind === 'done' && (
        <p data-testid="ab-kl" data-value={mean?.kl} data-mass={mean?.mass}>
          {mean === null
            ? t('ab.noKl')
            : t('ab.meanKl', {
                kl: formatFixed(mean.kl, 4),
                count: mean.count,
                mass: formatProbability(mean.mass),
              })}
        </p>
      )}
    </div>
  )
}

function Places() {
  const t = useTranslate()
  const places = useDuel((state) => state.places)
  const sides = useDuel((state) => state.sides)
  if (places.length === 0 || sides === null) return null
  return (
    <div className="duel-part duel-scroll" role="region" tabIndex={0} aria-label={t('ab.kl')}>
      <table className="duel-places">
        <thead>
          <tr>
            <th scope="col">{t('ab.place')}</th>
            <th scope="col">{sides.host}</th>
            <th scope="col">{sides.local}</th>
            <th scope="col" title={t('ab.klHint')}>
              {t('ab.kl')}
            </th>
            <th scope="col" title={t('ab.massHint')}>
              {t('ab.mass')}
            </th>
          </tr>
        </thead>
        <tbody>
          {places.slice(0, MAX_PLACES).map(({ index, far, local, kl, mass }) => (
            <tr key={index} data-testid="ab-place" data-same={far === local}>
              <th scope="row" className="numeric">
                {index + 1}
              </th>
              <td className="duel-token">{visible(far)}</td>
              <td className="duel-token">{far === local ? '' : visible(local)}</td>
              <td className="numeric">{kl === null ? '—' : formatFixed(kl, 4)}</td>
              <td className="numeric">{formatProbability(mass)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const visible = (text: string): string => (text === '' ? '◌' : text.replaceAll('\n', '↵'))
