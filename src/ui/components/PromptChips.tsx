import { memo } from 'react'
import { groupStarts } from '../../state/characterGroups.ts'
import type { TokenLog } from '../../state/tokenLog.ts'
import { useTranslate } from '../context.ts'
import { TokenText } from './TokenText.tsx'

/** The prompt as the model read it: one chip a token, ids and all, but no probability. */
export function PromptChips({ log }: { log: TokenLog }) {
  const t = useTranslate()
  return (
    <Chips
      ids={log.promptIds}
      texts={log.promptTexts}
      bosId={log.bosId}
      label={t('output.promptTokens')}
      special={t('output.special')}
    />
  )
}

interface ChipsProps {
  ids: readonly number[]
  texts: readonly string[]
  bosId: number | null
  label: string
  special: string
}

const Chips = memo(function Chips({ ids, texts, bosId, label, special }: ChipsProps) {
  const tokens = ids.map((id, index) => ({ id, text: texts[index] ?? '' }))
  // Until the texts are known every token would look like part of the next; ids stand in for them.
  const hasTexts = texts.length === ids.length
  const starts = hasTexts ? groupStarts(tokens, (id) => id === bosId) : ids.map((_, index) => index)
  return (
    <span className="stream-prompt" role="group" aria-label={label}>
      {starts.map((start, group) => {
        const members = tokens.slice(start, starts[group + 1] ?? tokens.length)
        const text = members.map((member) => member.text).join('')
        const isTextless = hasTexts && text === ''
        return (
          <span
            key={start}
            className={isTextless ? 'chip chip-prompt chip-end' : 'chip chip-prompt'}
            data-prompt-index={start}
            data-prompt-ids={members.map((member) => member.id).join(' ')}
            data-label={isTextless ? (members[0]?.id === bosId ? 'BOS' : special) : undefined}
          >
            {hasTexts ? <TokenText text={text} /> : ''}
          </span>
        )
      })}
    </span>
  )
})
