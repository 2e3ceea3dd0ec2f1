import { readTab, writeTab } from '../../../state/storage.ts'
import type { SavedNode, TreeSnapshot } from '../../../analysis/tokenTree.ts'

const KEY = 'tokenscope.branches.1'
/** Characters of JSON; browsers allow about five million for everything of a tab, and the text has its share. */
const LIMIT = 1_000_000

function isSnapshot(value: unknown): value is TreeSnapshot {
  if (typeof value !== 'object' || value === null) return false
  const { modelId, scales, nodes } = value as Partial<TreeSnapshot>
  return (
    typeof modelId === 'string' &&
    typeof scales === 'string' &&
    Array.isArray(nodes) &&
    nodes.every(isSavedNode)
  )
}

function isSavedNode(node: SavedNode, place: number): boolean {
  const { id, parent, text, logprob, next } = node
  const numbers = Number.isInteger(id) && Number.isInteger(parent) && parent >= -1 && parent < place
  const measured = logprob === null || typeof logprob === 'number'
  return numbers && typeof text === 'string' && measured && (next === null || Array.isArray(next))
}

/** The tree of this tab, or null; one saved by another version is dropped. */
export function readTree(): TreeSnapshot | null {
  const saved = readTab(KEY)
  return isSnapshot(saved) ? saved : null
}

/** Keeps the tree for this tab. Of a large one the alternatives are given up: they can be read again. */
function writeTree(tree: TreeSnapshot): void {
  const size = JSON.stringify(tree).length
  const kept = size <= LIMIT ? tree : { ...tree, nodes: tree.nodes.map((node) => ({ ...node, next: null })) }
  writeTab(KEY, kept)
}

/** Milliseconds a change rests before it is kept. */
const DEBOUNCE_MS = 400

/** A function that keeps the tree once it is at rest, at the latest when the page goes. */
export function debounceSave(read: () => TreeSnapshot): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null
  const save = (): void => {
    if (timer === null) return
    clearTimeout(timer)
    timer = null
    writeTree(read())
  }
  if (typeof window !== 'undefined') window.addEventListener('pagehide', save)
  return () => {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(save, DEBOUNCE_MS)
  }
}
