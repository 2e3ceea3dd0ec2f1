import type { MouseEvent } from 'react'
import { labelTokenParts } from '../../../state/tokenLabels.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { bare } from '../../components/labels.ts'
import { useTokenName } from '../../components/useTokenName.ts'
import { useSession, useTranslate } from '../../context.ts'
import { useRounds, useSelectedSlot, useSpeculateState, useSpeculation } from './hooks.ts'

/** The text as it stands; tokens that were proposed are shaded. */
export function SpeculatedText() {
  const t = useTranslate()
  const nameToken = useTokenName()
  const speculation = useSpeculation()
  const rounds = useRounds()
  const { eosIds = [] } = useSession().model?.info ?? {}
  const texts = labelTokenParts(
    rounds.flatMap(({ tokens }) => tokens),
    (id) => eosIds.includes(id),
  )
  const prompt = useSpeculateState((state) => state.shown?.prompt ?? '')
  const chosen = useSelectedSlot()?.slot.token?.index ?? null
  const onClick = (event: MouseEvent) => {
    const chip =
      event.target instanceof Element ? event.target.closest<HTMLElement>('[data-token-index]') : null
    const index = chip?.dataset['tokenIndex']
    if (index !== undefined) speculation.state.setState({ selected: speculation.placeOf(Number(index)) })
  }
  return (
    <div
      className="speculate-text"
      role="listbox"
      tabIndex={0}
      aria-label={t('speculate.text')}
      aria-activedescendant={chosen === null ? undefined : `speculate-token-${chosen}`}
      data-testid="speculate-output"
      onClick={onClick}
    >
      <span className="compare-lead" role="presentation">
        {prompt}
      </span>
      {rounds.flatMap(({ proposals, tokens }) =>
        tokens.map(({ index, id }, at) => (
          <span
            key={index}
            id={`speculate-token-${index}`}
            role="option"
            aria-selected={index === chosen}
            aria-label={
              texts[index]
                ? texts[index].trim() === ''
                  ? JSON.stringify(texts[index])
                  : undefined
                : nameToken('', id)
            }
            className={texts[index] ? 'chip' : 'chip chip-end'}
            data-label={texts[index] ? undefined : bare(nameToken('', id))}
            data-token-index={index}
            data-token-id={id}
            data-from={proposals[at]?.outcome === 'accepted' ? 'draft' : 'model'}
          >
            <TokenText text={texts[index] ?? ''} />
          </span>
        )),
      )}
    </div>
  )
}
