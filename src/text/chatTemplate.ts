import { TokenscopeError } from '../errors.ts'
import { isObject, refuse, type JsonObject } from './parts.ts'
import type { Sandbox, SandboxReply } from './sandbox.ts'
import type { SpecialTokens } from './specialTokens.ts'
import type { ChatMessage } from './types.ts'

/** Milliseconds a template may run. */
const TEMPLATE_LIMIT = 1000
const ROLES: readonly unknown[] = ['system', 'user', 'assistant']

/** The default template of tokenizer_config.json: one string, or a list of named ones. Null when there is none. */
export function readTemplate(config: JsonObject): string | null {
  const value = config['chat_template']
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  const file = 'tokenizer_config.json'
  if (!Array.isArray(value))
    return refuse('chat_template', value, 'a string or a list of named templates', { file })
  const named = value.filter(isObject).find((entry) => entry['name'] === 'default')
  return typeof named?.['template'] === 'string' ? named['template'] : null
}

function checkMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map(({ role, content }: { role: unknown; content: unknown }, i) => {
    if (!ROLES.includes(role) || typeof content !== 'string') {
      throw new TokenscopeError(
        'bad-argument',
        `messages[${i}] needs a role (system, user, assistant) and text.`,
        {
          hint: 'Pass messages as { role, content }.',
          details: { field: `messages[${i}]`, got: { role, content: typeof content } },
        },
      )
    }
    return { role: role as ChatMessage['role'], content }
  })
}

function failure(reply: SandboxReply): string {
  switch (reply.status) {
    case 'failed':
      return reply.message
    case 'timeout':
      return `it ran longer than ${TEMPLATE_LIMIT} ms and was stopped`
    case 'text':
    case 'ids':
    case 'done':
      return 'it gave no text'
  }
}

/** A model's own chat template. It is code from elsewhere, so every rendering runs in the sandbox. */
export class ChatTemplate {
  readonly #template: string
  readonly #config: Record<string, string>
  readonly #sandbox: Sandbox

  constructor(template: string, tokens: SpecialTokens, sandbox: Sandbox) {
    this.#template = template
    this.#config = { ...tokens }
    this.#sandbox = sandbox
  }

  /** Whether the template can be read, ends in time and takes the plainest of messages. */
  async isUsable(): Promise<boolean> {
    const reply = await this.#render([{ role: 'user', content: 'Hello' }])
    return reply.status === 'text'
  }

  /** Messages as the model's text, ending where the assistant speaks. Throws `unsupported` with the template's own words. */
  async render(messages: readonly ChatMessage[]): Promise<string> {
    const reply = await this.#render(checkMessages(messages))
    if (reply.status === 'text') return reply.text
    const reason = failure(reply)
    throw new TokenscopeError('unsupported', `The model's chat template failed: ${reason}`, {
      hint: 'Write the prompt as raw text instead.',
      details: { field: 'chat_template', reason },
    })
  }
  #render(messages: readonly ChatMessage[]): Promise<SandboxReply> {
    return this.#sandbox.run(
      { kind: 'render', template: this.#template, config: this.#config, messages },
      TEMPLATE_LIMIT,
    )
  }
}
