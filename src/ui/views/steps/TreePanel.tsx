import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import type { StepInfo } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { useIsEncoder } from '../../components/reading.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { useCurrentStep, useStepList, useSteps, useStepsState, useWatchedSteps } from './hooks.ts'
import { buildTree, searchSteps, visibleNodes, type StepNode } from './tree.ts'
import { TreeLine } from './TreeLine.tsx'

/** The model as its steps, with a gutter for breakpoints. */
export function TreePanel() {
  useWatchedSteps()
  const t = useTranslate()
  const list = useStepList()
  const [query, setQuery] = useState('')
  const matches = useMemo(() => searchSteps(list, query), [list, query])
  const searching = query.trim() !== ''
  if (list.length === 0) return <p className="panel-empty">{t('inspect.empty')}</p>
  return (
    <div className="tree-panel">
      <input
        type="search"
        className="input tree-search"
        data-testid="tree-search"
        aria-label={t('tree.search')}
        title={t('tree.searchHint')}
        placeholder={t('tree.search')}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
      />
      <Breaks matches={searching ? matches : []} total={list.length} searching={searching} />
      {searching ? <SearchResults matches={matches} /> : <Tree list={list} />}
    </div>
  )
}

/** What was found, and the breakpoints as a whole. */
function Breaks({ matches, total, searching }: { matches: StepInfo[]; total: number; searching: boolean }) {
  const t = useTranslate()
  const steps = useSteps()
  const breakpoints = useStepsState((state) => state.breakpoints)
  if (!searching && breakpoints.length === 0) return null
  return (
    <div className="tree-breaks note">
      {searching && <span>{t('tree.found', { count: matches.length, total })}</span>}
      {matches.length > 0 && (
        <button
          type="button"
          className="button button-quiet"
          onClick={() => steps.setBreakpoints([...breakpoints, ...matches.map(({ name }) => name)])}
        >
          {t('tree.breakAll')}
        </button>
      )}
      {!searching && (
        <button type="button" className="button button-quiet" onClick={() => steps.setBreakpoints([])}>
          {t('tree.clearBreaks', { count: breakpoints.length })}
        </button>
      )}
    </div>
  )
}

function SearchResults({ matches }: { matches: StepInfo[] }) {
  const t = useTranslate()
  const nodes = useMemo(
    () =>
      matches.map((step): StepNode => ({
        path: step.name,
        label: step.name,
        depth: 0,
        step,
        layer: null,
        children: [],
      })),
    [matches],
  )
  if (nodes.length === 0) return <p className="panel-empty">{t('tree.none')}</p>
  return <Lines nodes={nodes} isOpen={() => false} onOpen={() => undefined} />
}

function Tree({ list }: { list: readonly StepInfo[] }) {
  const { app } = useSession()
  const t = useTranslate()
  const tree = useMemo(() => buildTree(list), [list])
  const current = useCurrentStep()
  const isEncoder = useIsEncoder()
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map())
  // The layer one steps into opens by itself, the one left closes again, unless it was set by hand.
  const layers = new Set(tree.flatMap(({ layer, path }) => (layer === null ? [] : [path])))
  const currentPath = tree.find(({ layer }) => layer !== null && layer === current?.layer)?.path
  const isOpen = (path: string) => toggled.get(path) ?? (!layers.has(path) || path === currentPath)
  const onOpen = (path: string, open: boolean) => setToggled(new Map(toggled).set(path, open))
  return (
    <>
      <Lines nodes={visibleNodes(tree, isOpen)} isOpen={isOpen} onOpen={onOpen} />
      {!isEncoder && (
        <button
          type="button"
          className="tree-sampling row"
          title={t('tree.samplingHint')}
          onClick={() => app.setState({ view: 'write', narrow: 'view' })}
        >
          <Icon name="shuffle" />
          {t('tree.sampling')}
        </button>
      )}
    </>
  )
}

interface LinesProps {
  nodes: readonly StepNode[]
  isOpen: (path: string) => boolean
  onOpen: (path: string, open: boolean) => void
}

/** The tree as a widget: one line takes the focus, arrows move it, left and right close and open. */
function Lines({ nodes, isOpen, onOpen }: LinesProps) {
  const t = useTranslate()
  const steps = useSteps()
  const { app } = useSession()
  const current = useStepsState((state) => state.step)
  const breakpoints = useStepsState((state) => state.breakpoints)
  const narrow = useApp((state) => state.narrow)
  const [focused, setFocused] = useState<string | null>(null)
  const root = useRef<HTMLDivElement>(null)
  const stop =
    nodes.find(({ path }) => path === focused) ?? nodes.find(({ path }) => path === current) ?? nodes[0]

  useEffect(() => {
    root.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [current])

  const select = (node: StepNode) => {
    setFocused(node.path)
    if (node.step === null) onOpen(node.path, !isOpen(node.path))
    else {
      steps.goTo(node.step.name)
      if (narrow === 'left') app.setState({ narrow: 'view' })
    }
  }
  // One function for all renders: a step changes two lines, and only those are rendered again.
  const latest = useRef(select)
  useEffect(() => {
    latest.current = select
  })
  const stable = useCallback((node: StepNode) => latest.current(node), [])
  const focus = (node: StepNode | undefined) => {
    if (node === undefined) return
    setFocused(node.path)
    root.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(node.path)}"]`)?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const at = nodes.findIndex(({ path }) => path === stop?.path)
    const action = stop && treeKey(event.key, nodes, at, isOpen(stop.path))
    if (!stop || !action || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    switch (action.kind) {
      case 'focus':
        return focus(nodes[action.at])
      case 'open':
        return onOpen(stop.path, action.open)
      case 'select':
        return select(stop)
      case 'break':
        if (stop.step !== null) steps.toggleBreakpoint(stop.path)
        return
    }
  }
  return (
    <div
      ref={root}
      className="tree"
      role="tree"
      aria-label={t('tree.label')}
      data-arrows=""
      onKeyDown={onKeyDown}
    >
      {nodes.map((node) => (
        <TreeLine
          key={node.path}
          node={node}
          current={node.path === current}
          open={node.step === null ? isOpen(node.path) : null}
          broken={breakpoints.includes(node.path)}
          inside={node.step === null && breakpoints.some((name) => name.startsWith(node.path.slice(0, -1)))}
          stop={node === stop}
          onSelect={stable}
          onBreak={steps}
        />
      ))}
    </div>
  )
}

type TreeAction =
  { kind: 'focus'; at: number } | { kind: 'open'; open: boolean } | { kind: 'select' } | { kind: 'break' }

function treeKey(key: string, nodes: readonly StepNode[], at: number, open: boolean): TreeAction | null {
  const node = nodes[at]
  const group = node !== undefined && node.step === null
  switch (key) {
    case 'ArrowDown':
      return { kind: 'focus', at: Math.min(nodes.length - 1, at + 1) }
    case 'ArrowUp':
      return { kind: 'focus', at: Math.max(0, at - 1) }
    case 'Home':
      return { kind: 'focus', at: 0 }
    case 'End':
      return { kind: 'focus', at: nodes.length - 1 }
    case 'ArrowRight':
      return group && !open
        ? { kind: 'open', open: true }
        : { kind: 'focus', at: Math.min(nodes.length - 1, at + 1) }
    case 'ArrowLeft': {
      if (group && open) return { kind: 'open', open: false }
      const parent = nodes.slice(0, at).findLastIndex(({ depth }) => depth < (node?.depth ?? 0))
      return { kind: 'focus', at: Math.max(0, parent) }
    }
    case 'Enter':
    case ' ':
      return { kind: 'select' }
    case 'b':
    case 'B':
      return { kind: 'break' }
    default:
      return null
  }
}
