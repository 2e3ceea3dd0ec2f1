import { SPACE } from './lexer.ts'
import { renderTemplate } from './render.ts'
import { fail } from './values.ts'

/** A message as the template takes it: any role, any fields. */
export type MessageData = Record<string, unknown>

/** What a chat template is given. Plain data: it can be sent to the sandbox. */
export interface ChatRequest {
  template: string
  messages: readonly MessageData[]
  specialTokens: Readonly<Record<string, string>>
  tools: readonly unknown[] | null
  documents: readonly unknown[] | null
  addGenerationPrompt: boolean
  continueFinalMessage: boolean
  /** Milliseconds since 1970. */
  now: number
  kwargs: Readonly<Record<string, unknown>>
}

const TAG = 'CONTINUE_FINAL_MESSAGE_TAG '
/** Names a message's reasoning goes by; the first is what templates read most. */
const REASONING = ['reasoning_content', 'thinking', 'reasoning'] as const
const TRAILING = new RegExp(`${SPACE}+$`)
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g')

/** Reasoning stands under every name that templates read, as in Transformers. */
function prepared(message: MessageData): MessageData {
  const given = REASONING.map((name) => message[name]).find((value) => value !== undefined && value !== null)
  return given === undefined ? message : { thinking: given, ...message, reasoning_content: given }
}

interface Tagged {
  message: MessageData
  /** The text before the tag. */
  text: string
}

/** The last message with a tag behind its text. */
function tagged(message: MessageData | undefined): Tagged {
  const content = message?.['content']
  if (message === undefined || content === undefined || content === null) {
    return fail('continueFinalMessage is set, but the final message has no content to continue')
  }
  if (typeof content === 'string') return { message: { ...message, content: content + TAG }, text: content }
  if (!Array.isArray(content)) return fail('continueFinalMessage needs a final message of text')
  const parts: unknown[] = [...(content as unknown[])]
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i]
    if (typeof part !== 'object' || part === null || !('text' in part) || typeof part.text !== 'string')
      continue
    parts[i] = { ...part, text: part.text + TAG }
    return { message: { ...message, content: parts }, text: part.text }
  }
  return fail('continueFinalMessage is set, but the final message has no text to continue')
}

/** The rendered chat up to where the final message ends. */
function cutAtTag(rendered: string, text: string): string {
  const mark = TAG.trim()
  const at = rendered.lastIndexOf(mark)
  if (at < 0 || !rendered.includes(text.replace(AROUND, ''))) {
    return fail('continueFinalMessage is set, but the template does not write the final message as it is')
  }
  const textBefore = rendered.slice(0, at)
  return rendered.startsWith(TAG, at) ? textBefore : textBefore.replace(TRAILING, '')
}

/** Renders messages as Transformers' `apply_chat_template(tokenize=False)` does. Throws `TemplateFault`. */
export function renderChat(request: ChatRequest): string {
  const messages = request.messages.map(prepared)
  if (messages.length === 0) return fail('a chat needs at least one message')
  let final: Tagged | null = null
  if (request.continueFinalMessage) {
    if (request.addGenerationPrompt) fail('continueFinalMessage and addGenerationPrompt exclude each other')
    if (!request.template.includes('content')) fail('continueFinalMessage: the template reads no content')
    final = tagged(messages.at(-1))
    messages[messages.length - 1] = final.message
  }
  const variables = {
    ...request.specialTokens,
    messages,
    tools: request.tools,
    documents: request.documents,
    add_generation_prompt: request.addGenerationPrompt,
    ...request.kwargs,
  }
  const rendered = renderTemplate(request.template, variables, new Date(request.now))
  return final === null ? rendered : cutAtTag(rendered, final.text)
}
