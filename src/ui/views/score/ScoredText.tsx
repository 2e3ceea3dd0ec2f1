import { memo, useMemo } from 'react'
import type { BoxName, ScoreResult } from './store.ts'
import { groupStarts } from '../../../state/characterGroups.ts'
import type { ScoredToken } from '../../../api/model.ts'
import { TokenListbox } from '../../components/TokenListbox.tsx'
import { TokenText } from '../../components/TokenText.tsx'
import { useTranslate } from '../../context.ts'
import { surprisalLevel } from '../../draw/palette.ts'
import { formatFixed } from '../../../maths/format.ts'
import { labelOf, tokenAtRow, useBox, useScores, type Marked } from './hooks.ts'

/** A piece of text: one token, or several that make one character. */
interface Piece {
  row: number
  members: readonly number[]
  text: string
}

/** The tokens coloured by surprisal; those that do not count are greyed. */
export function ScoredText({ name, marked }: { name: BoxName; marked: Marked }) {
  const t = useTranslate()
  const scores = useScores()
  const { selected } = useBox(name)
  const { ids, texts, special } = marked.result
  // The scores of the same text grow; its pieces stay.
  const pieces = useMemo(() => piecesOf({ ids, texts, special }), [ids, texts, special])
  const choose = (row: number | null) =>
    scores.state.setState((state) => ({
      active: name,
      [name]: { ...state[name], selected: row, hovered: null },
    }))
  const hover = (row: number | null) =>
    scores.state.setState((state) =>
      state[name].hovered === row ? state : { active: name, [name]: { ...state[name], hovered: row } },
    )
  return (
    <TokenListbox
      id={`score-${name}`}
      label={t('score.tokens')}
      testId={`score-tokens-${name}`}
      selected={selected}
      rows={ids.length}
      surprisal
      onChoose={choose}
      onHover={hover}
    >
      {pieces.map((piece) => (
        <PieceChips key={piece.row} name={name} piece={piece} marked={marked} selected={selected} />
      ))}
    </TokenListbox>
  )
}

interface PieceProps {
  name: BoxName
  piece: Piece
  marked: Marked
  selected: number | null
}

/** The tokens of a piece, behind the name of the span that it opens. */
function PieceChips({ name, piece: { row, members, text }, marked, selected }: PieceProps) {
  const t = useTranslate()
  const { result, roles, counted } = marked
  const [role, previous] = [roles[row] ?? null, roles[row - 1] ?? null]
  // A marker that is written out says so itself.
  const opens = role !== null && role !== 'marker' && role !== previous && previous !== 'marker'
  return (
    <>
      {opens && <span className="score-role">{t(`score.role.${role}`)}</span>}
      {members.map((member, place) => (
        <Chip
          key={member}
          name={name}
          row={member}
          text={place === members.length - 1 ? text : ''}
          label={text === '' ? labelOf(result, member) : null}
          part={members.length > 1 ? `${place + 1}/${members.length}` : null}
          token={tokenAtRow(result, member)}
          masked={counted[member] !== true}
          selected={member === selected}
        />
      ))}
    </>
  )
}

interface ChipProps {
  name: BoxName
  row: number
  text: string
  /** Stands in for a token without text. */
  label: string | null
  /** `2/3` for the second of three tokens that make a character. */
  part: string | null
  /** Null until it has been scored; the first never is. */
  token: ScoredToken | null
  masked: boolean
  selected: boolean
}

const Chip = memo(function Chip({ name, row, text, label, part, token, masked, selected }: ChipProps) {
  const t = useTranslate()
  const bits = token === null ? null : formatFixed(-token.logprob / Math.LN2, 2)
  const level = token === null || masked ? '' : ` s${surprisalLevel(token.logprob)}`
  const form = label !== null ? ' chip-end' : part !== null && text === '' ? ' score-part' : ''
  return (
    <span
      id={`score-${name}-${row}`}
      role="option"
      aria-selected={selected}
      aria-label={text.trim() === '' ? `${label ?? JSON.stringify(text)} ${part ?? ''}` : undefined}
      className={`chip${level}${form}${masked ? ' score-masked' : ''}`}
      data-testid={`score-token-${name}`}
      data-row={row}
      data-token-id={token?.id}
      data-logprob={token?.logprob}
      data-masked={masked}
      data-label={label ?? undefined}
      title={bits === null ? undefined : t('logits.bits', { value: bits })}
    >
      {label === null && <TokenText text={text} />}
    </span>
  )
})

function piecesOf({ ids, texts, special }: Pick<ScoreResult, 'ids' | 'texts' | 'special'>): Piece[] {
  const tokens = ids.map((id, row) => ({ id, text: texts[row] ?? '' }))
  // Without a tokenizer no text is known, and every id stands by itself.
  const hasTexts = texts.some((text) => text !== '')
  const starts = hasTexts ? groupStarts(tokens, (id) => special.includes(id)) : ids.map((_, row) => row)
  return starts.map((row, i) => {
    const members = Array.from({ length: (starts[i + 1] ?? ids.length) - row }, (_, at) => row + at)
    return { row, members, text: members.map((member) => texts[member] ?? '').join('') }
  })
}
