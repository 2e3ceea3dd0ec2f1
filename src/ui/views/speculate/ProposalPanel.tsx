import type { GeneratedToken, Proposal } from '../../../api/model.ts'
import type { RoundSlot } from '../../../analysis/speculatedRounds.ts'
import type { MessageKey } from '../../words/index.ts'
import { useTranslate } from '../../context.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { useSelectedSlot, useSpeculateState } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** How one place came about: the proposal and its test, then the model's own token where it wrote one. */
export function ProposalPanel() {
  const t = useTranslate()
  const chosen = useSelectedSlot()
  const greedy = useSpeculateState((state) => state.shown?.settings.temperature === 0)
  if (chosen === null) return <p className="panel-empty">{t('speculate.panelEmpty')}</p>
  const { place, slot } = chosen
  const { proposal, token } = slot
  return (
    <div
      className="speculate-panel"
      // Nothing in it takes the focus, and a long one is scrolled by keyboard.
      tabIndex={0}
      role="group"
      aria-label={t('speculate.panel')}
      data-testid="speculate-panel"
      data-round={place.round}
      data-slot={place.slot}
    >
      <p className="note numeric">
        {t('speculate.place', { round: place.round + 1, place: place.slot + 1 })}
      </p>
      {proposal !== null && <Proposed proposal={proposal} greedy={greedy} />}
      {token !== null && proposal?.outcome !== 'accepted' && (
        <Own slot={slot} token={token} isOnly={chosen.round.proposals.length === 0} greedy={greedy} />
      )}
      {token !== null && <Alternatives token={token} proposal={proposal} />}
    </div>
  )
}

function Heading({ outcome, text, id }: { outcome: MessageKey; text: string; id: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  return (
    <header>
      <h3 className="eyebrow">{t(outcome)}</h3>
      <p className="token-heading">
        <span className="token-name">{nameToken(text, id)}</span>
        <span className="note numeric">id {id}</span>
      </p>
    </header>
  )
}

function Proposed({ proposal, greedy }: { proposal: Proposal; greedy: boolean }) {
  const t = useTranslate()
  const { outcome, text, id } = proposal
  return (
    <section className="speculate-part" data-testid="speculate-proposal" data-outcome={outcome}>
      <Heading outcome={`speculate.outcome.${outcome}`} text={text} id={id} />
      <Probabilities proposal={proposal} greedy={greedy} />
      <p>{t(whyOf(outcome, greedy))}</p>
      <p className="note">{t(greedy ? 'speculate.greedyNote' : 'speculate.filtersNote')}</p>
    </section>
  )
}

function whyOf(outcome: Proposal['outcome'], greedy: boolean): MessageKey {
  switch (outcome) {
    case 'accepted':
      return greedy ? 'speculate.why.greedyAccepted' : 'speculate.why.sampledAccepted'
    case 'rejected':
      return greedy ? 'speculate.why.greedyRejected' : 'speculate.why.sampledRejected'
    case 'unread':
      return 'speculate.why.unread'
  }
}

/** Both probabilities as bars of one scale, the random number, and the test with its numbers put in. */
function Probabilities({ proposal, greedy }: { proposal: Proposal; greedy: boolean }) {
  const t = useTranslate()
  const { draftProbability: q, modelProbability: p, random } = proposal
  return (
    <table className="plain-table speculate-numbers speculate-probabilities">
      <tbody>
        <Share name={t('speculate.pDraft')} value={q} testId="speculate-p-draft" />
        {p !== null && <Share name={t('speculate.pModel')} value={p} testId="speculate-p-model" />}
        {random !== null && (
          <tr>
            <th scope="row">{t('speculate.random')}</th>
            <td data-testid="speculate-random" data-value={random}>
              {formatFixed(random, 4)}
            </td>
          </tr>
        )}
        {!greedy && random !== null && p !== null && (
          <tr>
            <th scope="row">{t('speculate.test')}</th>
            <td>
              {formatFixed(random, 4)} × {formatProbability(q)} = {formatProbability(random * q)}{' '}
              {random * q < p ? '<' : '≥'} {formatProbability(p)}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

function Share({ name, value, testId }: { name: string; value: number; testId: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="lens-bar" style={{ '--share': value }} data-testid={testId} data-value={value}>
        {formatProbability(value)}
      </td>
    </tr>
  )
}

interface OwnProps {
  slot: RoundSlot
  token: GeneratedToken
  /** The draft model proposed nothing in this round. */
  isOnly: boolean
  greedy: boolean
}

function Own({ slot, token, isOnly, greedy }: OwnProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { proposal } = slot
  const outcome = proposal !== null ? 'corrected' : isOnly ? 'alone' : 'bonus'
  const corrected = greedy ? 'speculate.why.correctedGreedy' : 'speculate.why.correctedSampled'
  const why = outcome === 'corrected' ? corrected : (`speculate.why.${outcome}` as const)
  return (
    <section className="speculate-part" data-testid="speculate-own" data-token-id={token.id}>
      <Heading outcome={`speculate.outcome.${outcome}`} text={token.text} id={token.id} />
      <p>{t(why, { token: proposal === null ? '' : nameToken(proposal.text, proposal.id) })}</p>
      {token.random !== null && (
        <p className="note numeric">
          {t('speculate.random')} {formatFixed(token.random, 4)}
        </p>
      )}
    </section>
  )
}

function Alternatives({ token, proposal }: { token: GeneratedToken; proposal: Proposal | null }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  return (
    <section className="speculate-part">
      <table className="plain-table speculate-numbers">
        <caption className="eyebrow">{t('speculate.alternatives')}</caption>
        <tbody>
          {token.top.map(({ id, text, logprob }) => (
            <tr key={id} aria-current={id === token.id ? 'true' : undefined}>
              <th scope="row" className={id === proposal?.id && id !== token.id ? 'speculate-struck' : ''}>
                {nameToken(text, id)}
              </th>
              <td className="lens-bar" style={{ '--share': Math.exp(logprob) }}>
                {formatProbability(Math.exp(logprob))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="note">{t('speculate.alternativesNote')}</p>
    </section>
  )
}
