import type { ChatMessage } from '../../../../api/model.ts'

/** Two chats that begin alike: what was asked, and the turns that are to win and to lose. */
export interface PreferredChat {
  asked: readonly ChatMessage[]
  chosen: readonly ChatMessage[]
  rejected: readonly ChatMessage[]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Roles of ShareGPT under the names that chat templates know. */
const ROLES: Readonly<Record<string, string>> = { human: 'user', gpt: 'assistant', bot: 'assistant' }

/** Turns of a chat in either spelling; null where one of them is none. */
export function readMessageList(value: unknown): readonly ChatMessage[] | null {
  if (!Array.isArray(value)) return null
  const messages = value.flatMap((one: unknown): ChatMessage[] => {
    if (!isObject(one)) return []
    const { role = one['from'], content = one['value'] } = one
    if (typeof role !== 'string' || (typeof content !== 'string' && !Array.isArray(content))) return []
    return [{ ...one, role: ROLES[role] ?? role, content: content as string | readonly unknown[] }]
  })
  return messages.length === value.length ? messages : null
}

/** A text as the one turn of its role, no value as no turn. */
function turnsOf(value: unknown, role: 'user' | 'assistant'): readonly ChatMessage[] | null {
  if (value === undefined || value === null) return []
  return typeof value === 'string' ? [{ role, content: value }] : readMessageList(value)
}

const isAnswer = (message: ChatMessage | undefined): boolean => message?.role === 'assistant'
const hasText = ({ content }: ChatMessage): boolean => typeof content !== 'string' || content.trim() !== ''

/** Turns that two chats have in common at their beginning. */
function sharedTurns(one: readonly ChatMessage[], other: readonly ChatMessage[]): number {
  const differs = one.findIndex((message, at) => JSON.stringify(message) !== JSON.stringify(other[at]))
  return differs < 0 ? one.length : differs
}

/**
 * A preference between chats: a prompt with two answers, or two chats with the prompt inside, as data sets have them. Null where all
 * are texts; 'none' where the chats do not begin alike and end in an answer each.
 */
export function readPreferredChat(
  prompt: unknown,
  chosen: unknown,
  rejected: unknown,
): PreferredChat | 'none' | null {
  if (![prompt, chosen, rejected].some(Array.isArray)) return null
  const before = turnsOf(prompt, 'user')
  const [winner, loser] = [chosen, rejected].map((answer) => turnsOf(answer, 'assistant'))
  if (!before || !winner || !loser) return 'none'
  // Chats that do not begin with the answer have the prompt in them.
  const inFull = (turns: readonly ChatMessage[]) => (isAnswer(turns[0]) ? [...before, ...turns] : turns)
  const [won, lost] = [inFull(winner), inFull(loser)]
  const shared = sharedTurns(won, lost)
  const chat = { asked: won.slice(0, shared), chosen: won.slice(shared), rejected: lost.slice(shared) }
  const answers = [chat.chosen, chat.rejected]
  const isPair = answers.every(
    (turns) => isAnswer(turns[0]) && isAnswer(turns.at(-1)) && turns.every(hasText),
  )
  return isPair && shared > 0 ? chat : 'none'
}
