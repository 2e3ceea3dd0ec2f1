import type { CandidateTable } from '../../analysis/candidates.ts'
import { visibleText } from '../../state/characterGroups.ts'
import type { TokenLog } from '../../state/tokenLog.ts'
import type { GeneratedToken } from '../../api/model.ts'
import { remoteOf } from '../../state/app.ts'
import { isSent } from '../../state/elsewhere/sentIds.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { formatFixed, formatProbability } from '../../maths/format.ts'
import { Icon } from './Icon.tsx'
import { endName } from './labels.ts'

interface TokenFactsProps {
  log: TokenLog
  token: GeneratedToken
  table: CandidateTable
  held: 'pinned' | 'following' | null
  recomputed: boolean
}

/** Which token this is, where it was predicted, and the numbers of that prediction. */
export function TokenFacts({ log, token, table, held, recomputed }: TokenFactsProps) {
  const { app } = useSession()
  const t = useTranslate()
  const group = groupOf(log, token, endName(t))
  const far = useApp(remoteOf)
  const draw = token.random === null ? (far ? '—' : t('logits.greedyDraw')) : formatFixed(token.random, 4)
  // An engine may send a token without its number.
  const sent = (text: string): string => (Number.isNaN(token.logprob) ? '—' : text)
  const facts: [string, string][] = [
    [t('logits.probability'), sent(formatProbability(Math.exp(token.logprob)))],
    [t('logits.logprob'), sent(formatFixed(token.logprob, 3))],
    [t('logits.rank'), table.chosenRank === null ? '—' : String(table.chosenRank)],
    [t('logits.surprisal'), sent(t('logits.bits', { value: formatFixed(-token.logprob / Math.LN2, 2) }))],
    [
      t('logits.entropy'),
      table.entropyBits === null ? '—' : t('logits.bits', { value: formatFixed(table.entropyBits, 2) }),
    ],
    [t('logits.draw'), draw],
  ]
  return (
    <>
      <Heading text={group.text} part={group.part} id={token.id} position={token.position}>
        {held === 'pinned' ? (
          <button type="button" className="tag tag-button" onClick={() => app.setState({ pinned: null })}>
            {t('logits.pinned')}
            <Icon name="close" />
            <span className="visually-hidden">{t('logits.unpin')}</span>
          </button>
        ) : (
          held === 'following' && <span className="tag">{t('logits.following')}</span>
        )}
        {recomputed && (
          <span className="tag" title={t('logits.recomputedHint')}>
            {t('logits.recomputed')}
          </span>
        )}
      </Heading>
      <Context log={log} token={token} />
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="numeric">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

interface HeadingProps {
  text: string
  /** `2/3` for the second of three tokens that make the text. */
  part?: string | null
  id: number
  position: number
  children?: React.ReactNode
}

function Heading({ text, part = null, id, position, children }: HeadingProps) {
  const t = useTranslate()
  return (
    <div className="token-heading">
      <span className="token-name">{text === '' ? '◌' : visibleText(text)}</span>
      <span className="token-place note numeric">
        {part !== null && `${part} · `}id {isSent(id) ? id : '—'} · {t('logits.position', { position })}
      </span>
      <span className="token-tags">{children}</span>
    </div>
  )
}
TokenFacts.Heading = Heading

/** The text a token stands in, and which part of it the token is when several make one character. */
function groupOf(log: TokenLog, token: GeneratedToken, end: string): { text: string; part: string | null } {
  if (log.isEnd(token.id)) return { text: token.text === '' ? end : token.text, part: null }
  const group = log.groups.findLastIndex((start) => start <= token.index)
  const first = log.groups[group] ?? token.index
  const members = log.tokens.slice(first, log.groups[group + 1] ?? log.tokens.length)
  const text = members.map((member) => member.text).join('')
  return { text, part: members.length > 1 ? `${token.index - first + 1}/${members.length}` : null }
}

/** Characters of the text shown before the token. */
const CONTEXT = 42

/** A row's logits predict the next token, so the place is named by what stood before it. */
function Context({ log, token }: { log: TokenLog; token: GeneratedToken }) {
  const t = useTranslate()
  const preceding = [...log.promptTexts, ...log.tokens.slice(0, token.index).map(({ text }) => text)]
    .slice(-24)
    .join('')
  const shown = preceding.length > CONTEXT ? `…${preceding.slice(-CONTEXT)}` : preceding
  return (
    <p className="token-context">
      <span className="note">{t('logits.after')}</span>{' '}
      {shown === '' ? t('logits.start') : <q>{visibleBreaks(shown)}</q>}
    </p>
  )
}

function visibleBreaks(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ↵ ')
}
