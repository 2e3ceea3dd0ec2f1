import type { StepInfo } from '../../../api/model.ts'
import { localName, matchesPattern } from '../../../analysis/steps.ts'

/** A line of the model tree: a step, or a group of steps that share the first parts of their names. */
export interface StepNode {
  /** A step's name; of a group the pattern `layers.3.*`, because a step may have the name that a group begins with. */
  path: string
  /** The last part. */
  label: string
  /** 0 at the top. */
  depth: number
  /** Null for a group. */
  step: StepInfo | null
  /** Number of the layer that a group is; null for any other line. */
  layer: number | null
  children: readonly StepNode[]
}

interface StepNodeDraft extends StepNode {
  children: StepNodeDraft[]
}

/** Groups of a step: its layer, then the parts of its name in there without the last. */
function groupsOf(step: StepInfo): string[] {
  const local = localName(step)
  const layer = step.layer === null ? [] : [step.name.slice(0, -local.length - 1)]
  const parts = local.split('.').slice(0, -1)
  return [...layer, ...parts.map((_, at) => [...layer, ...parts.slice(0, at + 1)].join('.'))]
}

const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/**
 * The model as a tree, in the order of its steps. Names are split at dots; a name that is also the beginning of others
 * (a replaced module's `mlp.gate` beside `mlp.gate.base`) stays a step next to their group.
 */
export function buildTree(steps: readonly StepInfo[]): StepNode[] {
  const roots: StepNodeDraft[] = []
  const groups = new Map<string, StepNodeDraft>()
  for (const step of steps) {
    let siblings = roots
    const path = groupsOf(step)
    path.forEach((name, depth) => {
      let group = groups.get(name)
      if (group === undefined) {
        const layer = depth === 0 ? step.layer : null
        group = { path: `${name}.*`, label: last(name), depth, step: null, layer, children: [] }
        groups.set(name, group)
        siblings.push(group)
      }
      siblings = group.children
    })
    const label = last(step.name)
    siblings.push({ path: step.name, label, depth: path.length, step, layer: null, children: [] })
  }
  return roots
}

/** The lines on show: nodes whose groups are all open. */
export function visibleNodes(nodes: readonly StepNode[], isOpen: (path: string) => boolean): StepNode[] {
  return nodes.flatMap((node) =>
    node.step === null && isOpen(node.path) ? [node, ...visibleNodes(node.children, isOpen)] : [node],
  )
}

/** Steps whose name a search finds: words anywhere in it, or a pattern with `*` over all of it. */
export function searchSteps(steps: readonly StepInfo[], query: string): StepInfo[] {
  const words = query.trim().toLowerCase()
  if (words === '') return []
  if (words.includes('*')) {
    return steps.filter(({ name }) => matchesPattern(name.toLowerCase(), words))
  }
  const parts = words.split(/\s+/)
  return steps.filter(({ name, op }) => parts.every((part) => `${name} ${op}`.toLowerCase().includes(part)))
}
