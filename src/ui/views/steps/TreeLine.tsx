import { memo } from 'react'
import type { Steps } from './store.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { useStepList } from './hooks.ts'
import type { StepNode } from './tree.ts'
import { roleName } from './describe.ts'

interface TreeLineProps {
  node: StepNode
  current: boolean
  /** Null for a step. */
  open: boolean | null
  broken: boolean
  /** A closed group with breakpoints in it says so. */
  inside: boolean
  /** The one line that Tab reaches. */
  stop: boolean
  onSelect: (node: StepNode) => void
  onBreak: Steps
}

/** One line: gutter, name, what it does. The gutter is for the pointer; keys use B. */
export const TreeLine = memo(function TreeLine(props: TreeLineProps) {
  const { node, current, open, broken, inside, stop, onSelect, onBreak } = props
  const t = useTranslate()
  const steps = useStepList()
  const { step, layer } = node
  return (
    <div
      className="tree-line row"
      data-testid="tree-node"
      data-path={node.path}
      data-step={step?.name}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={current}
      aria-expanded={open ?? undefined}
      aria-current={current ? 'step' : undefined}
      aria-label={`${layer === null ? node.path : t('tree.layer', { layer })}${broken ? `, ${t('tree.breakpoint', { name: node.path })}` : ''}`}
      tabIndex={stop ? 0 : -1}
      style={{ '--depth': node.depth }}
      onClick={() => onSelect(node)}
    >
      <span
        className={
          broken ? 'gutter gutter-set' : inside && open === false ? 'gutter gutter-inside' : 'gutter'
        }
        title={step === null ? undefined : t('tree.breakpoint', { name: node.path })}
        onClick={(event) => {
          if (step === null) return
          event.stopPropagation()
          onBreak.toggleBreakpoint(step.name)
        }}
      />
      {open !== null && (
        <span className={open ? 'twist twist-open' : 'twist'}>
          <Icon name="right" />
        </span>
      )}
      <span className="tree-name">{layer === null ? node.label : t('tree.layer', { layer })}</span>
      {step !== null && <span className="tree-role one-line">{roleName(t, steps, step)}</span>}
    </div>
  )
})
