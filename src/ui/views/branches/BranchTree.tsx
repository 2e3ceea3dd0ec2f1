import { useCallback, useEffect, useRef, type KeyboardEvent, type MouseEvent, type RefObject } from 'react'
import { pathTo, type TreeLine, type TokenNode } from '../../../analysis/tokenTree.ts'
import { useApp, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { BranchLine } from './BranchLine.tsx'
import { useAnswers, useBranches, useBranchesState, useChosen } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** The tree as a widget: up and down from line to line, left and right along the text. */
export function BranchTree({ lines }: { lines: readonly TreeLine[] }) {
  const t = useTranslate()
  const branches = useBranches()
  const colouring = useApp((state) => state.colouring)
  const chosen = useChosen()
  const answers = useAnswers()
  const current = useBranchesState((state) => state.current)
  const compared = useBranchesState((state) => state.compared)
  const root = useRef<HTMLDivElement>(null)
  const onPage = new Set(branches.currentPath())
  const choose = useCallback((node: TokenNode) => void branches.select(node), [branches])
  useRevealed(root, chosen)

  const onClick = (event: MouseEvent) => {
    const spot = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-node]') : null
    const node = branches.tree.node(Number(spot?.dataset['node'] ?? NaN))
    if (node !== null) choose(node)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || chosen === null) return
    const action = keyAction(event.key, lines, chosen)
    if (action === null) return
    event.preventDefault()
    event.stopPropagation()
    if (action.kind === 'use') return void (answers && branches.use(chosen))
    if (action.kind === 'remove') branches.remove(chosen)
    else choose(action.node)
    focusSoon(root.current)
  }
  const paths = lines.filter(({ nodes }) => nodes.at(-1)?.children.length === 0).length
  return (
    <>
      <div
        ref={root}
        className="branch-tree"
        role="tree"
        data-arrows=""
        data-colour={colouring}
        aria-label={t('branches.tree', { lines: lines.length, paths })}
        aria-describedby="branch-keys"
        onClick={onClick}
        onKeyDown={onKeyDown}
      >
        {lines.map((line) => (
          <BranchLine
            key={line.key}
            line={line}
            chosen={chosen !== null && line.nodes.includes(chosen) ? chosen : null}
            isOnPage={line.nodes.some((node) => onPage.has(node))}
            endsPage={line.nodes.at(-1)?.key === current}
            isCompared={compared !== null && line.nodes.some(({ key }) => key === compared)}
          />
        ))}
      </div>
      <p className="note branch-keys" id="branch-keys">
        {t('branches.keys')}
      </p>
      <Chosen node={chosen} />
    </>
  )
}

/** Tells a screen reader where the choice has moved. */
function Chosen({ node }: { node: TokenNode | null }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const values = node && {
    position: pathTo(node).length - 1,
    token: nameToken(node.text, node.id),
    probability: formatProbability(Math.exp(node.logprob ?? 0)),
  }
  return (
    <span className="visually-hidden" role="status">
      {values && t(node.logprob === null ? 'branches.chosen' : 'branches.chosenWith', values)}
    </span>
  )
}

/** Scrolls just so far that the chosen token is on show. */
function useRevealed(root: RefObject<HTMLElement | null>, chosen: TokenNode | null): void {
  useEffect(() => {
    root.current?.querySelector('[data-chosen="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [root, chosen])
}

/** The line that holds the choice takes the focus once it is rendered. */
function focusSoon(root: HTMLElement | null): void {
  requestAnimationFrame(() => root?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"]')?.focus())
}

type Action = { kind: 'choose'; node: TokenNode } | { kind: 'use' } | { kind: 'remove' }

function keyAction(key: string, lines: readonly TreeLine[], chosen: TokenNode): Action | null {
  const at = lines.findIndex(({ nodes }) => nodes.includes(chosen))
  const toLine = (place: number): Action | null => {
    const node = lines[Math.min(lines.length - 1, Math.max(0, place))]?.nodes[0]
    return node === undefined ? null : { kind: 'choose', node }
  }
  switch (key) {
    case 'ArrowDown':
      return toLine(at + 1)
    case 'ArrowUp':
      return toLine(at - 1)
    case 'Home':
      return toLine(0)
    case 'End':
      return toLine(lines.length - 1)
    case 'ArrowLeft':
      return { kind: 'choose', node: chosen.parent?.parent ? chosen.parent : chosen }
    case 'ArrowRight':
      return { kind: 'choose', node: nextOf(chosen) }
    case 'Enter':
      return { kind: 'use' }
    case 'Delete':
    case 'Backspace':
      return { kind: 'remove' }
    default:
      return null
  }
}

/** The next token of the text through this one, else its first child. */
const nextOf = (node: TokenNode): TokenNode => node.recent ?? node.children[0] ?? node
