import { groupStarts } from '../../../state/characterGroups.ts'
import type { TreeLine, TokenNode } from '../../../analysis/tokenTree.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { probabilityLevel, surprisalLevel } from '../../draw/palette.ts'
import { formatProbability } from '../../../maths/format.ts'

interface BranchLineProps {
  line: TreeLine
  /** The chosen token if it is in this line. */
  chosen: TokenNode | null
  isOnPage: boolean
  /** The text on the page ends here. */
  endsPage: boolean
  isCompared: boolean
}

/** A run of single children as one piece of text, with the probability of the token that began it. */
export function BranchLine({ line, chosen, isOnPage, endsPage, isCompared }: BranchLineProps) {
  const t = useTranslate()
  const { nodes, depth, place, siblings } = line
  const [first] = nodes
  if (first === undefined) return null
  const probability = first.logprob === null ? null : Math.exp(first.logprob)
  const text = nodes.map((node) => node.text).join('')
  const values = { text, probability: probability === null ? '' : formatProbability(probability) }
  return (
    <div
      className="branch-line"
      role="treeitem"
      tabIndex={chosen === null ? -1 : 0}
      aria-level={depth + 1}
      aria-posinset={place}
      aria-setsize={siblings}
      aria-selected={chosen !== null}
      aria-expanded={(nodes.at(-1)?.children.length ?? 0) > 0 ? true : undefined}
      aria-label={t(probability === null ? 'branches.lineGiven' : 'branches.line', values)}
      data-testid="tree-node"
      data-node-id={line.key}
      data-token-id={first.id}
      data-probability={probability ?? undefined}
      data-node={line.key}
      data-on-page={isOnPage}
      style={{ '--depth': depth }}
    >
      <span className="branch-share numeric">
        {probability !== null && (
          <>
            {values.probability}
            <span className="bar" style={{ '--share': probability }} />
          </>
        )}
      </span>
      <span className="branch-text">
        <Chips nodes={nodes} chosen={chosen} />
        {endsPage && <span className="tag branch-tag">{t('branches.onPage')}</span>}
        {isCompared && <span className="side-letter branch-tag">A</span>}
      </span>
    </div>
  )
}

/** Tokens as chips; several that make one character are one. */
function Chips({ nodes, chosen }: { nodes: readonly TokenNode[]; chosen: TokenNode | null }) {
  const t = useTranslate()
  const { model } = useSession()
  const { bosId = null, eosIds = [] } = model?.info ?? {}
  const isTextless = (id: number): boolean => id === bosId || eosIds.includes(id)
  const starts = groupStarts(nodes, isTextless)
  return starts.map((start, group) => {
    const members = nodes.slice(start, starts[group + 1] ?? nodes.length)
    const [first] = members
    if (first === undefined) return null
    const text = members.map((member) => member.text).join('')
    const isSpecial = text === '' && isTextless(first.id)
    const last = members.at(-1) ?? first
    // In some vocabularies one token starts and ends a text.
    const begins = first.parent?.parent === null && first.id === bosId
    return (
      <span
        key={first.key}
        className={`chip ${classOf(last)}${isSpecial ? ' chip-end' : ''}`}
        data-node={first.key}
        data-chosen={chosen !== null && members.includes(chosen)}
        data-label={isSpecial ? (begins ? 'BOS' : t('output.end')) : undefined}
      >
        {text === '' && !isSpecial ? <span className="broken" /> : <TokenText text={text} />}
      </span>
    )
  })
}

function classOf({ prompt, logprob }: TokenNode): string {
  if (prompt) return 'chip-prompt'
  return logprob === null ? '' : `p${probabilityLevel(logprob)} s${surprisalLevel(logprob)}`
}
