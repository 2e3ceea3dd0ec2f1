import { memo, useEffect, useState, type MouseEvent } from 'react'
import { slotsOf, type RoundPlace, type RoundSlot } from '../../../analysis/speculatedRounds.ts'
import type { SpeculatedRound } from '../../../api/model.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useRounds, useSpeculateState, useSpeculation } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** The draft's proposals above, what the model made of them below, what it took under that: one column a round. */
export function RoundColumns() {
  const t = useTranslate()
  const speculation = useSpeculation()
  const rounds = useRounds()
  const selected = useSpeculateState((state) => state.selected)
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null)
  useFollowed(scroller, rounds.length, selected)
  const longest = Math.max(1e-9, ...rounds.map(({ draftMs, modelMs }) => draftMs + modelMs))
  const onClick = (event: MouseEvent) => {
    const slot = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-slot]') : null
    if (slot === null) return
    speculation.state.setState({
      selected: { round: Number(slot.dataset['round']), slot: Number(slot.dataset['slot']) },
    })
  }
  return (
    <section className="speculate-rounds">
      <Key />
      <div className="rounds-frame">
        <div className="round-names" aria-hidden="true">
          <span>{t('speculate.rowDraft')}</span>
          <span>{t('speculate.rowModel')}</span>
          <span>{t('speculate.rowTime')}</span>
        </div>
        <div
          ref={setScroller}
          className="rounds-scroll"
          role="listbox"
          tabIndex={0}
          aria-label={t('speculate.rounds')}
          aria-orientation="horizontal"
          aria-activedescendant={selected === null ? undefined : slotId(selected)}
          data-testid="speculate-rounds"
          onClick={onClick}
        >
          {rounds.map((round) => (
            <Round
              key={round.index}
              round={round}
              longest={longest}
              selected={selected?.round === round.index ? selected.slot : null}
            />
          ))}
        </div>
      </div>
    </section>
  )
}

const slotId = ({ round, slot }: RoundPlace): string => `speculate-${round}-${slot}`

/** Keeps the selected place on show; while none is selected, the newest round. */
function useFollowed(scroller: HTMLElement | null, rounds: number, selected: RoundPlace | null): void {
  const at = selected === null ? null : slotId(selected)
  useEffect(() => {
    if (scroller === null || at === null) return
    document.getElementById(at)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [scroller, at])
  useEffect(() => {
    if (scroller !== null && at === null) scroller.scrollTo({ left: scroller.scrollWidth })
  }, [scroller, rounds, at])
}

interface RoundProps {
  round: SpeculatedRound
  /** Of the slowest round, milliseconds. */
  longest: number
  selected: number | null
}

const Round = memo(function Round({ round, longest, selected }: RoundProps) {
  const t = useTranslate()
  const { index, draftMs, modelMs } = round
  const [draft, model] = [formatFixed(draftMs, 1), formatFixed(modelMs, 1)]
  return (
    <div className="round-column" role="group" aria-label={t('speculate.round', { round: index + 1 })}>
      <div className="round-slots" role="presentation">
        {slotsOf(round).map((slot, at) => (
          <Place key={at} place={{ round: index, slot: at }} slot={slot} selected={at === selected} />
        ))}
      </div>
      <div
        className="round-time numeric"
        title={t('speculate.timeHint', { draft, model })}
        aria-hidden="true"
      >
        <span className="round-bars">
          <span className="round-bar round-bar-draft" style={{ '--share': draftMs / longest }} />
          <span className="round-bar" style={{ '--share': modelMs / longest }} />
        </span>
        <span>
          {draft} + {model}
        </span>
      </div>
    </div>
  )
})

interface PlaceProps {
  place: RoundPlace
  slot: RoundSlot
  selected: boolean
}

function Place({ place, slot, selected }: PlaceProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { proposal, token } = slot
  const state = proposal?.outcome ?? 'own'
  const words = {
    token: proposal === null ? '' : nameToken(proposal.text, proposal.id),
    own: token === null ? '' : nameToken(token.text, token.id),
  }
  return (
    <div
      id={slotId(place)}
      role="option"
      className="round-slot"
      aria-selected={selected}
      aria-label={t(`speculate.slot.${state}`, words)}
      data-testid="speculate-slot"
      data-round={place.round}
      data-slot={place.slot}
      data-outcome={state}
      data-token-id={token?.id}
    >
      <span className="round-token round-draft">
        {proposal !== null && (proposal.text === '' ? words.token : <TokenText text={proposal.text} />)}
      </span>
      <span className="round-token round-model">
        {token !== null && (token.text === '' ? words.own : <TokenText text={token.text} />)}
      </span>
    </div>
  )
}

const STATES = ['accepted', 'rejected', 'unread', 'own'] as const

/** What the marks mean. */
function Key() {
  const t = useTranslate()
  return (
    <ul className="round-key note">
      {STATES.map((state) => (
        <li key={state}>
          <span className="round-sample" data-outcome={state} aria-hidden="true">
            <span className={`round-token ${state === 'own' ? 'round-model' : 'round-draft'}`}>ab</span>
          </span>
          {t(`speculate.legend.${state}`)}
        </li>
      ))}
    </ul>
  )
}
