import { invariant } from '../errors.ts'
import type { FinishReason, TokenAlternative } from '../api/model.ts'

/** What is known of a token where it stands. */
export interface TreeToken {
  id: number
  text: string
  /** Natural log of its probability behind the tokens before it; null: not measured. */
  logprob: number | null
  /** Given in a prompt, not drawn or chosen. */
  prompt: boolean
  /** The uniform number of its draw, null when greedy, chosen or given. */
  random: number | null
  finish: FinishReason | null
}

/** One token of a text; texts share their common beginning. */
export interface TokenNode extends TreeToken {
  readonly key: number
  /** Null for the root alone, which is no token. */
  readonly parent: TokenNode | null
  readonly children: TokenNode[]
  /** The child that was on the page last. */
  recent: TokenNode | null
  /** The most probable tokens behind this one, descending; null: not measured. A text may be '' where none was captured. */
  next: readonly TokenAlternative[] | null
}

/** A run of single children: what the view shows in one line. */
export interface TreeLine {
  /** Key of its first token. */
  key: number
  nodes: readonly TokenNode[]
  /** Branch points above. */
  depth: number
  /** 1-based place among its siblings. */
  place: number
  siblings: number
}

export interface TreeSnapshot {
  modelId: string
  /** Names the adapters the numbers were measured under. */
  scales: string
  /** Parents before children; `parent` counts places in this list, −1 is the root. */
  nodes: readonly SavedNode[]
}

export interface SavedNode extends TreeToken {
  parent: number
  /** It is the one its parent led on to last. */
  recent: boolean
  next: readonly TokenAlternative[] | null
}

const PLAIN: TreeToken = { id: -1, text: '', logprob: null, prompt: false, random: null, finish: null }

/** All texts of a model as one tree of tokens. */
export class TokenTree {
  readonly modelId: string
  readonly root: TokenNode
  private readonly byKey = new Map<number, TokenNode>()
  private lastKey = 0

  constructor(modelId: string) {
    this.modelId = modelId
    this.root = this.make(null, PLAIN)
  }

  get isEmpty(): boolean {
    return this.root.children.length === 0
  }

  node(key: number | null): TokenNode | null {
    return key === null ? null : (this.byKey.get(key) ?? null)
  }

  /** The child of that id, made if there is none; a prompt's token stays one. */
  add(parent: TokenNode, token: TreeToken): TokenNode {
    const existing = parent.children.find(({ id }) => id === token.id)
    if (existing !== undefined) {
      existing.prompt ||= token.prompt
      if (existing.text === '') existing.text = token.text
      if (token.logprob !== null) existing.logprob = token.logprob
      return existing
    }
    const node = this.make(parent, token)
    this.byKey.set(node.key, node)
    parent.children.push(node)
    return node
  }

  private make(parent: TokenNode | null, token: TreeToken): TokenNode {
    return { ...token, key: this.lastKey++, parent, children: [], recent: null, next: null }
  }

  /** Takes a branch off; the function given back puts it where it was. */
  detach(node: TokenNode): () => void {
    const { parent } = node
    invariant(parent !== null, 'the root is no branch')
    const place = parent.children.indexOf(node)
    invariant(place >= 0, 'a branch is taken off once')
    parent.children.splice(place, 1)
    const wasRecent = parent.recent === node
    if (wasRecent) parent.recent = null
    for (const { key } of nodesBelow(node)) this.byKey.delete(key)
    return () => {
      parent.children.splice(place, 0, node)
      if (wasRecent) parent.recent = node
      for (const below of nodesBelow(node)) this.byKey.set(below.key, below)
    }
  }

  /** Numbers measured under other adapters say nothing any more. */
  forgetNumbers(): void {
    this.root.next = null
    for (const node of this.all()) {
      node.logprob = null
      node.next = null
    }
  }

  /** Every token, parents before children. */
  all(): TokenNode[] {
    return this.root.children.flatMap((node) => nodesBelow(node))
  }

  lines(): TreeLine[] {
    const lines: TreeLine[] = []
    const visit = (siblings: readonly TokenNode[], depth: number): void => {
      siblings.forEach((first, index) => {
        const nodes = runFrom(first)
        lines.push({ key: first.key, nodes, depth, place: index + 1, siblings: siblings.length })
        visit(nodes.at(-1)?.children ?? [], depth + 1)
      })
    }
    visit(this.root.children, 0)
    return lines
  }

  snapshot(scales: string): TreeSnapshot {
    const all = this.all()
    const places = new Map(all.map((node, place) => [node, place]))
    const nodes = all.map((node) => {
      const { parent, next, id, text, logprob, prompt, random, finish } = node
      const place = parent === null ? -1 : (places.get(parent) ?? -1)
      const recent = parent?.recent === node
      return { parent: place, recent, id, text, logprob, prompt, random, finish, next }
    })
    return { modelId: this.modelId, scales, nodes }
  }

  static restore({ modelId, nodes }: TreeSnapshot): TokenTree {
    const tree = new TokenTree(modelId)
    const restored: TokenNode[] = []
    for (const { parent, recent, next, ...token } of nodes) {
      const above = restored[parent] ?? tree.root
      const node = tree.add(above, token)
      if (recent) above.recent = node
      node.next = next
      restored.push(node)
    }
    return tree
  }
}

/** The tokens from the first of the text to this one. */
export function pathTo(node: TokenNode): TokenNode[] {
  const path: TokenNode[] = []
  for (let at = node; at.parent !== null; at = at.parent) path.push(at)
  return path.toReversed()
}

/** The end of the text through this token that was on the page last; children that never were do not count. */
export function leafOf(node: TokenNode): TokenNode {
  let leaf = node
  while (leaf.recent !== null) leaf = leaf.recent
  return leaf
}

export const idsOf = (path: readonly TokenNode[]): number[] => path.map(({ id }) => id)

/** Tokens at the beginning that were given. */
export function promptLength(path: readonly TokenNode[]): number {
  const first = path.findIndex(({ prompt }) => !prompt)
  return first < 0 ? path.length : first
}

/** Makes a text the one its tokens lead on to. */
export function markRecent(path: readonly TokenNode[]): void {
  for (const node of path) if (node.parent !== null) node.parent.recent = node
}

/** A token and the only children that follow it. */
function runFrom(first: TokenNode): TokenNode[] {
  const nodes = [first]
  for (let at = first; at.children.length === 1 && at.children[0];) {
    at = at.children[0]
    nodes.push(at)
  }
  return nodes
}

/** A node and everything that grows from it, parents before children. Texts may be longer than a call stack is deep. */
function nodesBelow(node: TokenNode): TokenNode[] {
  const below: TokenNode[] = []
  const open = [node]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    below.push(at)
    open.push(...at.children.toReversed())
  }
  return below
}

/** How probable a text is where it is not given. */
export interface PathScore {
  tokens: number
  /** Sum of the log-probabilities of tokens behind the prompt; null while one is not measured. */
  logprob: number | null
}

export function scoreOf(path: readonly TokenNode[]): PathScore {
  const continuation = path.slice(promptLength(path))
  const measured = continuation.every(({ logprob }) => logprob !== null)
  return {
    tokens: continuation.length,
    logprob: measured ? continuation.reduce((sum, { logprob }) => sum + (logprob ?? 0), 0) : null,
  }
}

/** Index of the first token in which two texts differ, or the length of the shorter one. */
export function firstDifference(a: readonly TokenNode[], b: readonly TokenNode[]): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i
  return shorter
}
