import { useEffect, useMemo, useState } from 'react'
import { isRunning, remoteOf } from '../../../state/app.ts'
import {
  distributionOf,
  tableAfterFilters,
  tableBeforeFilters,
  type Distribution,
} from '../../../analysis/candidates.ts'
import type { Settings } from '../../../state/settings.ts'
import type { TokenLog } from '../../../state/tokenLog.ts'
import type { GeneratedToken, LogitsAt } from '../../../api/model.ts'
import { toErrorData } from '../../../errors.ts'
import { Candidates } from '../../components/Candidates.tsx'
import { RankCurve } from '../../components/RankCurve.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { TokenFacts } from '../../components/TokenFacts.tsx'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatCount, formatFixed } from '../../../maths/format.ts'

/** Lines of the table; the chosen token follows when it stands lower. */
const ROWS = 12

/** What the model thought at one place: of the token under the pointer, else the pinned, else the newest one. */
export function LogitsPanel() {
  const t = useTranslate()
  const log = useSlowTokenLog(120)
  const hovered = useApp((state) => state.hovered)
  const pinned = useApp((state) => state.pinned)
  const prompted = useApp((state) => state.hoveredPrompt)
  const running = useApp((state) => isRunning(state.run))
  const index = hovered ?? pinned ?? log.tokens.length - 1
  const token = log.tokens[index]

  if (hovered === null && prompted !== null && prompted < log.promptIds.length) {
    return <PromptToken log={log} index={prompted} />
  }
  if (token === undefined) return <p className="panel-empty">{t('logits.empty')}</p>
  // Full logits are read where the selection rests, not along the way of a pointer or a stream.
  const settled = (hovered === null || hovered === pinned) && (pinned !== null || !running)
  const held = pinned === index ? 'pinned' : hovered === null ? 'following' : null
  return <TokenLogits log={log} token={token} settled={settled} held={held} />
}

function PromptToken({ log, index }: { log: TokenLog; index: number }) {
  const { app } = useSession()
  const t = useTranslate()
  return (
    <div className="logits">
      <TokenFacts.Heading
        text={log.promptTexts[index] ?? ''}
        id={log.promptIds[index] ?? 0}
        position={index}
      />
      <p className="note">{t('logits.prompt')}</p>
      <button
        type="button"
        className="button"
        onClick={() => app.setState({ view: 'score', narrow: 'view' })}
      >
        {t('view.score')}
      </button>
    </div>
  )
}

interface TokenLogitsProps {
  log: TokenLog
  token: GeneratedToken
  settled: boolean
  held: 'pinned' | 'following' | null
}

function TokenLogits({ log, token, settled, held }: TokenLogitsProps) {
  const { app } = useSession()
  const t = useTranslate()
  const filtered = useApp((state) => state.filtered)
  const settings = useApp((state) => state.settings)
  const vocab = useVocabulary(log)
  const far = useApp(remoteOf)
  const { logits, error } = useFullLogits(log, token.index, settled && !far)
  const distribution = useMemo(() => (logits === null ? null : distributionOf(logits.data)), [logits])
  const request = { token, vocab, distribution, logits: logits?.data ?? null, limit: ROWS }
  const beforeFilters = tableBeforeFilters(request)
  const after = filtered ? tableAfterFilters(request, settings, log.idsBefore(token.index)) : null
  const table = after ?? beforeFilters
  const onChoose = useContinue(log, token.index)
  return (
    <div className="logits">
      <TokenFacts
        log={log}
        token={token}
        table={table}
        held={held}
        recomputed={logits?.recomputed === true}
      />
      <Segmented
        label={t('logits.filters')}
        value={filtered ? 'after' : 'before'}
        choices={[
          { value: 'before', label: t('logits.before') },
          { value: 'after', label: t('logits.afterFilters') },
        ]}
        onChange={(value) => app.setState({ filtered: value === 'after' })}
      />
      <Candidates
        log={log}
        index={token.index}
        table={table}
        onChoose={onChoose}
        {...(far ? { rest: t('far.notSent') } : {})}
      />
      <FilterNote
        filtered={filtered}
        kept={after?.kept ?? null}
        vocab={vocab}
        settings={settings}
        log={log}
      />
      <FullRanking
        distribution={distribution}
        error={far ? t('far.top', { count: token.top.length }) : error}
        settled={settled}
        captured={token.top.length}
        chosen={beforeFilters.chosenRank}
        kept={after?.kept ?? null}
      />
    </div>
  )
}

/** Puts another token here and writes on behind it, the text before kept as a branch; nothing while the model is busy or another's. */
function useContinue(log: TokenLog, index: number): ((id: number) => void) | undefined {
  const session = useSession()
  const idle = useApp(
    (state) =>
      state.model.kind === 'ready' &&
      !isRunning(state.run) &&
      typeof remoteOf(state)?.capabilities['fork'] !== 'string',
  )
  if (!idle || session.model?.info.id !== log.modelId) return undefined
  return (id) => {
    import('../sampling/store.ts')
      .then(({ continueWith }) => continueWith(session, { index }, id))
      .catch((error: unknown) => session.report(error))
  }
}

/** Size of the vocabulary behind the shown text: of the loaded model, or of what was captured before it went. */
function useVocabulary(log: TokenLog): number {
  const session = useSession()
  const info = useApp((state) =>
    state.model.kind === 'empty' ? null : 'info' in state.model ? state.model.info : null,
  )
  return info !== null && info.id === log.modelId ? info.vocab : (session.model?.info.vocab ?? 0)
}

/** Full logits of a token once the selection rests on it; what is cached shows at once. */
function useFullLogits(log: TokenLog, index: number, settled: boolean) {
  const session = useSession()
  const answers = useApp((state) => state.model.kind)
  const [loaded, setLoaded] = useState<{
    key: string
    logits: LogitsAt | null
    error: string | null
  } | null>(null)
  const key = `${log.epoch}:${index}`
  useEffect(() => {
    if (!settled || session.peekLogits(index) !== null) return
    let current = true
    const show = (logits: LogitsAt | null, error: string | null) => {
      if (current) setLoaded({ key, logits, error })
    }
    session.tokenLogits(index).then(
      (logits) => show(logits, null),
      (error: unknown) => show(null, toErrorData(error).message),
    )
    return () => {
      current = false
    }
  }, [session, index, settled, key, answers])
  const cached = session.peekLogits(index)
  if (cached !== null) return { logits: cached, error: null }
  return loaded?.key === key ? loaded : { logits: null, error: null }
}

interface FilterNoteProps {
  filtered: boolean
  kept: number | null
  vocab: number
  settings: Settings
  log: TokenLog
}

function FilterNote({ filtered, kept, vocab, settings, log }: FilterNoteProps) {
  const t = useTranslate()
  if (!filtered || kept === null) return <p className="note">{t('logits.beforeNote')}</p>
  const names = ['temperature', 'topK', 'topP', 'minP', 'repetitionPenalty'] as const
  const run = log.settings
  const differs = run !== null && names.some((name) => run[name] !== settings[name])
  return (
    <p className="note">
      {t('logits.afterNote', {
        settings: describeFilters(settings),
        kept: formatCount(kept),
        vocab: formatCount(vocab),
      })}{' '}
      {differs && t('logits.afterOther')}
    </p>
  )
}

/** The filters that do something, as symbols. */
function describeFilters(settings: Settings): string {
  const { temperature, topK, topP, minP, repetitionPenalty } = settings
  const parts = [`T = ${formatFixed(temperature, 2)}`]
  if (temperature > 0 && topK > 0) parts.push(`top-k ${topK}`)
  if (temperature > 0 && topP < 1) parts.push(`top-p ${topP}`)
  if (temperature > 0 && minP > 0) parts.push(`min-p ${minP}`)
  if (repetitionPenalty !== 1) parts.push(`penalty ${repetitionPenalty}`)
  return parts.join(', ')
}

interface FullRankingProps {
  distribution: Distribution | null
  error: string | null
  settled: boolean
  captured: number
  chosen: number | null
  kept: number | null
}

function FullRanking({ distribution, error, settled, captured, chosen, kept }: FullRankingProps) {
  const t = useTranslate()
  return (
    <section className="whole">
      <h3 className="eyebrow">{t('logits.curve')}</h3>
      {distribution === null ? (
        <p className="whole-pending note">
          {error ?? (settled ? t('logits.loading') : t('logits.onlyTop', { count: captured }))}
        </p>
      ) : (
        <RankCurve distribution={distribution} chosen={chosen} kept={kept} />
      )}
      {distribution !== null && distribution.notNumbers > 0 && (
        <p className="note">{t('logits.nan', { count: formatCount(distribution.notNumbers) })}</p>
      )}
    </section>
  )
}
