import { memo } from 'react'
import type { Explained, ExplainedToken } from '../../../text/inspect/types.ts'
import { hexOf, jamoOf, tokenGroups, type TokenGroup } from './measures.ts'
import type { SlotName } from './store.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useTranslate } from '../../context.ts'
import { useSlot, useTokenizers } from './hooks.ts'

/** Tokens shown as chips; behind them a remark says how many more there are. */
const MAX_SHOWN = 3000

interface TokenRowProps {
  name: SlotName
  explained: Explained
}

/** The text as tokens: each with its id, those of one character side by side below it. */
export function TokenRow({ name, explained }: TokenRowProps) {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const { selected } = useSlot(name)
  const groups = tokenGroups(explained).filter(({ start }) => start < MAX_SHOWN)
  const more = explained.tokens.length - MAX_SHOWN
  const token = selected === null ? undefined : explained.tokens[selected]
  const group = groups.findLast(({ start }) => selected !== null && start <= selected)
  return (
    <>
      <div
        className="tokenizer-tokens"
        role="listbox"
        tabIndex={0}
        aria-label={t('tokenizer.tokensLabel')}
        onClick={(event) => {
          const index = event.target instanceof Element ? event.target.closest('[data-index]') : null
          if (index !== null) tokenizers.select(name, Number(index.getAttribute('data-index')))
        }}
        onKeyDown={(event) => {
          const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
          if (by === 0) return
          event.preventDefault()
          event.stopPropagation()
          const last = Math.min(explained.tokens.length, MAX_SHOWN) - 1
          tokenizers.select(name, Math.max(0, Math.min(last, (selected ?? (by > 0 ? -1 : last + 1)) + by)))
        }}
      >
        {groups.map((one) => (
          <Group key={one.start} group={one} selected={pick(one, selected)} />
        ))}
      </div>
      {more > 0 && <p className="note">{t('tokenizer.more', { count: more })}</p>}
      {token !== undefined && group !== undefined && <Facts token={token} group={group} />}
    </>
  )
}

function pick({ start, tokens }: TokenGroup, selected: number | null): number {
  return selected !== null && selected >= start && selected < start + tokens.length ? selected : -1
}

const Group = memo(
  function Group({ group: { start, tokens, text }, selected }: { group: TokenGroup; selected: number }) {
    return (
      <span className="token-stack" data-parts={tokens.length > 1 || undefined}>
        <span className="token-word">{text === '' ? '' : <TokenText text={text} />}</span>
        <span className="token-ids">
          {tokens.map((token, place) => (
            <span
              key={place}
              role="option"
              aria-selected={selected === start + place}
              className={token.special ? 'token-id token-special' : 'token-id'}
              data-testid="tokenizer-token"
              data-token-id={token.id}
              data-index={start + place}
              title={`${token.piece} · ${hexOf(token.bytes)}`}
            >
              {token.special && <span className="token-piece">{token.piece}</span>}
              {token.id}
            </span>
          ))}
        </span>
      </span>
    )
  },
  (previous, next) =>
    previous.selected === next.selected &&
    previous.group.start === next.group.start &&
    previous.group.text === next.group.text &&
    previous.group.tokens.length === next.group.tokens.length &&
    previous.group.tokens.every((token, at) => token.id === next.group.tokens[at]?.id),
)

/** What one token is: its spelling, its bytes, and the character that it is a part of. */
function Facts({ token, group }: { token: ExplainedToken; group: TokenGroup }) {
  const t = useTranslate()
  const jamo = jamoOf(group.text)
  const part = group.tokens.indexOf(token) + 1
  const rows: [string, string][] = [
    [t('logits.id'), String(token.id)],
    [t('tokenizer.piece'), token.piece],
    [t('tokenizer.bytes'), hexOf(token.bytes) || '–'],
    [t('tokenizer.text'), group.text === '' ? '–' : JSON.stringify(group.text)],
    ...(group.tokens.length > 1
      ? [
          [t('tokenizer.part'), t('tokenizer.partOf', { part, parts: group.tokens.length })] as [
            string,
            string,
          ],
        ]
      : []),
    ...(jamo === null ? [] : [[t('tokenizer.jamo'), jamo] as [string, string]]),
    ...(token.template ? [[t('tokenizer.origin'), t('tokenizer.template')] as [string, string]] : []),
  ]
  return (
    <dl className="tokenizer-facts" data-testid="tokenizer-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
