import type { ChatMessage } from '../../../api/chat.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'

/** What the model wrote as a turn, with the text on the page that it was written in. */
export interface Answer {
  /** The rendered prompt, `prefix` at its end. */
  prompt: string
  /** Text of the turn that was given to the model to go on from. */
  prefix: string
  /** The prompt ends within reasoning that the template has begun. */
  reasons: boolean
  text: TokenLogSnapshot
}

/** One turn of a chat. */
export interface Turn {
  id: number
  /** The turn before it; null for a first one. */
  parent: number | null
  /** As a template takes it; of an answer what was made of its text. */
  message: ChatMessage
  /** Null for what a person wrote. */
  answer: Answer | null
}

/** A chat whose turns branch: of several that follow the same one, one is chosen. */
export interface ChatTree {
  turns: ReadonlyMap<number, Turn>
  /** The chosen follower of a turn, by its id; of none, under null. */
  chosen: ReadonlyMap<number | null, number>
  nextId: number
}

export const EMPTY_TREE: ChatTree = { turns: new Map(), chosen: new Map(), nextId: 1 }

/** Adds a turn and chooses it. */
export function addTurn(tree: ChatTree, turn: Omit<Turn, 'id'>): { tree: ChatTree; id: number } {
  const id = tree.nextId
  return {
    tree: {
      turns: new Map([...tree.turns, [id, { ...turn, id }]]),
      chosen: new Map([...tree.chosen, [turn.parent, id]]),
      nextId: id + 1,
    },
    id,
  }
}

export function replaceTurn(
  tree: ChatTree,
  id: number,
  part: Partial<Omit<Turn, 'id' | 'parent'>>,
): ChatTree {
  const turn = tree.turns.get(id)
  return turn === undefined ? tree : { ...tree, turns: new Map([...tree.turns, [id, { ...turn, ...part }]]) }
}

/** The turns that follow the same one, in the order they were made. */
export function siblings(tree: ChatTree, parent: number | null): Turn[] {
  return [...tree.turns.values()].filter((turn) => turn.parent === parent)
}

export function chooseTurn(tree: ChatTree, id: number): ChatTree {
  const turn = tree.turns.get(id)
  return turn === undefined ? tree : { ...tree, chosen: new Map([...tree.chosen, [turn.parent, id]]) }
}

/** Takes a turn away with all that follow it; a neighbour is chosen in its place. */
export function removeTurn(tree: ChatTree, id: number): ChatTree {
  const turn = tree.turns.get(id)
  if (turn === undefined) return tree
  const gone = new Set([id])
  // Followers are made after what they follow.
  for (const { id: other, parent } of tree.turns.values())
    if (parent !== null && gone.has(parent)) gone.add(other)
  const turns = new Map([...tree.turns].filter(([other]) => !gone.has(other)))
  const chosen = new Map(
    [...tree.chosen].filter(([parent, child]) => !gone.has(child) && !gone.has(parent ?? -1)),
  )
  const left = siblings({ ...tree, turns }, turn.parent).at(-1)
  if (left !== undefined && !chosen.has(turn.parent)) chosen.set(turn.parent, left.id)
  return { ...tree, turns, chosen }
}

/** The turns on show: from the first, the chosen one after each. */
export function pathOf(tree: ChatTree): Turn[] {
  const path: Turn[] = []
  let at = tree.chosen.get(null)
  while (at !== undefined) {
    const turn = tree.turns.get(at)
    if (turn === undefined) break
    path.push(turn)
    at = tree.chosen.get(at)
  }
  return path
}

/** The turns up to one, and that one. */
export function pathTo(tree: ChatTree, id: number | null): Turn[] {
  const path: Turn[] = []
  let turn = id === null ? undefined : tree.turns.get(id)
  while (turn !== undefined) {
    path.unshift(turn)
    turn = turn.parent === null ? undefined : tree.turns.get(turn.parent)
  }
  return path
}

/** Text of a message's content: itself, or that of its parts. */
export function contentText(message: ChatMessage): string {
  const { content } = message
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part: unknown) => {
      const text: unknown = typeof part === 'object' && part !== null && 'text' in part ? part.text : ''
      return typeof text === 'string' ? text : ''
    })
    .join('')
}
