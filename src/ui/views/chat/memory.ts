import { parseSavedText, readTab, writeTab } from '../../../state/storage.ts'
import { EMPTY_FIELDS, type TemplateFields } from './options.ts'
import { FALLBACKS, type Fallback } from './fallbacks.ts'
import { removeTurn, type ChatTree, type Turn } from './turns.ts'

const KEY = 'tokenscope.chat.1'
/** Characters of JSON; browsers allow about five million for everything of a tab. */
const LIMIT = 1_500_000
/** Milliseconds a change rests before it is kept. */
const DEBOUNCE_MS = 400

/** What outlives a reload: the turns with their tokens, and what a person set. */
export interface SavedChat {
  tree: ChatTree
  fields: TemplateFields
  fallback: Fallback | null
}

type Stored = Omit<SavedChat, 'tree'> & { turns: Turn[]; chosen: [number | null, number][] }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTurn(value: unknown): value is Turn {
  if (!isRecord(value) || !Number.isInteger(value['id']) || !isRecord(value['message'])) return false
  const { answer, parent } = value
  if (parent !== null && !Number.isInteger(parent)) return false
  if (answer === null) return true
  return (
    isRecord(answer) &&
    typeof answer['prompt'] === 'string' &&
    typeof answer['prefix'] === 'string' &&
    parseSavedText({ prompt: '', modelId: null, log: answer['text'] }) !== null
  )
}

function isPair(value: unknown): value is [number | null, number] {
  if (!Array.isArray(value)) return false
  const [parent, child] = value as unknown[]
  return (parent === null || Number.isInteger(parent)) && Number.isInteger(child)
}

/** The chat of this tab, or null; one saved by another version is dropped. */
export function readChat(): SavedChat | null {
  const saved = readTab(KEY)
  if (!isRecord(saved) || !Array.isArray(saved['turns']) || !Array.isArray(saved['chosen'])) return null
  const turns: unknown[] = saved['turns']
  const chosen: unknown[] = saved['chosen']
  if (!turns.every(isTurn) || !chosen.every(isPair)) return null
  const fields = isRecord(saved['fields']) ? saved['fields'] : {}
  const tree: ChatTree = {
    turns: new Map(turns.map((turn) => [turn.id, turn])),
    chosen: new Map(chosen),
    nextId: Math.max(0, ...turns.map(({ id }) => id)) + 1,
  }
  // A turn that was being written when the page went has no tokens.
  const cut = turns.filter(({ answer }) => answer !== null && answer.text.tokens.length === 0)
  return {
    tree: cut.reduce((left, { id }) => removeTurn(left, id), tree),
    fields: { ...EMPTY_FIELDS, ...fields },
    fallback: FALLBACKS.find((name) => name === saved['fallback']) ?? null,
  }
}

/** Without the alternatives of its tokens, which can be computed again. */
function withoutAlternatives(turn: Turn): Turn {
  const { answer } = turn
  if (answer === null) return turn
  const tokens = answer.text.tokens.map((token) => ({ ...token, top: [] }))
  return { ...turn, answer: { ...answer, text: { ...answer.text, tokens } } }
}

function writeChat({ tree, fields, fallback }: SavedChat): void {
  const full: Stored = { turns: [...tree.turns.values()], chosen: [...tree.chosen], fields, fallback }
  const isLarge = JSON.stringify(full).length > LIMIT
  writeTab(KEY, isLarge ? { ...full, turns: full.turns.map(withoutAlternatives) } : full)
}

/** A function that keeps the chat once it is at rest, at the latest when the page goes. */
export function debounceSave(read: () => SavedChat): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null
  const save = (): void => {
    if (timer === null) return
    clearTimeout(timer)
    timer = null
    writeChat(read())
  }
  if (typeof window !== 'undefined') window.addEventListener('pagehide', save)
  return () => {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(save, DEBOUNCE_MS)
  }
}
