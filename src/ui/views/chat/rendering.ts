import type { ChatMessage, ChatOptions, Model } from '../../../api/model.ts'
import { answerMessage } from './answerParts.ts'
import type { ChatState } from './store.ts'
import { readOptions } from './options.ts'
import { FALLBACK_TEMPLATES } from './fallbacks.ts'
import type { Turn } from './turns.ts'

/** What rendering a chat depends on besides its turns. */
type Given = Pick<ChatState, 'fields' | 'fallback' | 'template'>

/** Whether the model's own template is the one in use. */
export function usesOwnTemplate({ template }: Pick<ChatState, 'template'>): boolean {
  return template !== null && template.source !== null && template.problem === null
}

function fallbackOf(given: Given): (typeof FALLBACK_TEMPLATES)[keyof typeof FALLBACK_TEMPLATES] | null {
  return usesOwnTemplate(given) || given.fallback === null ? null : FALLBACK_TEMPLATES[given.fallback]
}

/** What the template is given besides messages. Throws `bad-argument` for tools and the like that are no JSON. */
export function optionsOf(given: Given): ChatOptions {
  const fallback = fallbackOf(given)
  return { ...readOptions(given.fields), ...(fallback === null ? {} : { template: fallback.template }) }
}

/** Strings that end a turn where the model has no token that does. */
export function stopsOf(given: Given): readonly string[] | undefined {
  return fallbackOf(given)?.stop
}

/** Turns as a template takes them, behind the system prompt. */
export function messagesOf(
  given: Given,
  path: readonly Turn[],
  textOf: (turn: Turn) => string,
): ChatMessage[] {
  const { fields, template } = given
  const system = fields.system.trim() === '' ? [] : [{ role: 'system', content: fields.system }]
  const names = usesOwnTemplate(given) ? (template?.reads?.fields ?? []) : []
  const tools = fields.tools.trim() !== ''
  const turns = path.map((turn) =>
    turn.answer === null
      ? turn.message
      : answerMessage(textOf(turn), { reasons: turn.answer.reasons, fields: names, tools }),
  )
  return [...system, ...turns]
}

/** The prompt behind turns: up to where the assistant speaks, or within its words when it has begun to. */
export function renderTurns(
  model: Pick<Model, 'applyChatTemplate'>,
  given: Given,
  { path, prefix, textOf }: { path: readonly Turn[]; prefix: string; textOf: (turn: Turn) => string },
): Promise<string> {
  const messages = messagesOf(given, path, textOf)
  const options = optionsOf(given)
  if (prefix === '') return model.applyChatTemplate(messages, options)
  return model.applyChatTemplate([...messages, { role: 'assistant', content: prefix }], {
    ...options,
    continueFinalMessage: true,
    addGenerationPrompt: false,
  })
}
