import type { StepInfo } from '../../../api/model.ts'

/** A line of the model tree: a step, or a group of steps that share the first parts of their names. */
export interface TreeNode {
  /** A step's name; of a group the pattern `layers.3.*`, because a step may have the name that a group begins with. */
  path: string
  /** The last part. */
  label: string
  /** 0 at the top. */
  depth: number
  /** Null for a group. */
  step: StepInfo | null
  children: readonly TreeNode[]
}

interface Draft extends TreeNode {
  children: Draft[]
}

/** Groups of a step: its name's parts without the last, `layers.3` counting as one. */
function groupsOf(name: string): string[] {
  const parts = name.split('.')
  const groups: string[] = []
  for (let count = 1; count < parts.length; count++) {
    const path = parts.slice(0, count).join('.')
    if (path !== 'layers') groups.push(path)
  }
  return groups
}

const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/**
 * The model as a tree, in the order of its steps. Names are split at dots; a name that is also the beginning of others
 * (a replaced module's `mlp.gate` beside `mlp.gate.base`) stays a step next to their group.
 */
export function buildTree(steps: readonly StepInfo[]): TreeNode[] {
  const roots: Draft[] = []
  const groups = new Map<string, Draft>()
  for (const step of steps) {
    let siblings = roots
    const path = groupsOf(step.name)
    path.forEach((name, depth) => {
      let group = groups.get(name)
      if (group === undefined) {
        group = { path: `${name}.*`, label: last(name), depth, step: null, children: [] }
        groups.set(name, group)
        siblings.push(group)
      }
      siblings = group.children
    })
    siblings.push({ path: step.name, label: last(step.name), depth: path.length, step, children: [] })
  }
  return roots
}

/** The lines on show: nodes whose groups are all open. */
export function visibleNodes(nodes: readonly TreeNode[], isOpen: (path: string) => boolean): TreeNode[] {
  return nodes.flatMap((node) =>
    node.step === null && isOpen(node.path) ? [node, ...visibleNodes(node.children, isOpen)] : [node],
  )
}

/** Steps whose name a search finds: words anywhere in it, or a pattern with `*` over all of it. */
export function searchSteps(steps: readonly StepInfo[], query: string): StepInfo[] {
  const words = query.trim().toLowerCase()
  if (words === '') return []
  if (words.includes('*')) {
    const source = words
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^.]*')
    const pattern = new RegExp(`^${source}$`)
    return steps.filter(({ name }) => pattern.test(name))
  }
  const parts = words.split(/\s+/)
  return steps.filter(({ name, op }) => parts.every((part) => `${name} ${op}`.toLowerCase().includes(part)))
}

/** The layer group a step lies in: `layers.3.*`; null outside the layers. */
export function layerGroup(name: string): string | null {
  const layer = /^layers\.\d+\./.exec(name)?.[0]
  return layer === undefined ? null : `${layer}*`
}
