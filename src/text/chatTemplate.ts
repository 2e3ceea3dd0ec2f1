import type { ChatTemplateInfo, TemplateReads } from '../api/chat.ts'
import { TokenscopeError } from '../errors.ts'
import type { ChatRequest } from './jinja/chat.ts'
import { isObject, type JsonRecord } from './parts.ts'
import { Sandbox, type SandboxReply } from './sandbox.ts'
import type { Templates } from './templates.ts'
import type { ChatMessage, ChatOptions } from './types.ts'

/** Milliseconds a template may run. */
const TEMPLATE_LIMIT = 1000

function badArgument(field: string, got: string, expected: string): never {
  throw new TokenscopeError('bad-argument', `${field} is ${got}; expected ${expected}.`, {
    hint: 'Pass messages as { role, content, … } and options as plain data.',
    details: { field, got, expected },
  })
}

/** A copy that a thread can be sent. Throws `bad-argument` for functions and the like. */
function plain<T>(value: T, field: string): T {
  try {
    return structuredClone(value)
  } catch (error) {
    return badArgument(field, error instanceof Error ? error.message : String(error), 'plain data')
  }
}

function checkMessages(messages: unknown): readonly JsonRecord[] {
  if (!Array.isArray(messages)) return badArgument('messages', typeof messages, 'a list')
  if (messages.length === 0) return badArgument('messages', 'empty', 'at least one message')
  messages.forEach((message: unknown, i) => {
    if (isObject(message) && typeof message['role'] === 'string') return
    badArgument(
      `messages[${i}]`,
      isObject(message) ? 'without a role' : typeof message,
      'an object with a role',
    )
  })
  return plain(messages as JsonRecord[], 'messages')
}

function checkList(value: readonly unknown[] | null | undefined, field: string): readonly unknown[] | null {
  if (value === undefined || value === null) return null
  return Array.isArray(value) ? plain(value, field) : badArgument(field, typeof value, 'a list')
}

function requestOf(
  template: string,
  messages: readonly ChatMessage[],
  specialTokens: Readonly<Record<string, string>>,
  options: ChatOptions,
): ChatRequest {
  return {
    template,
    messages: checkMessages(messages),
    specialTokens: plain(specialTokens, 'specialTokens'),
    tools: checkList(options.tools, 'tools'),
    documents: checkList(options.documents, 'documents'),
    addGenerationPrompt: options.addGenerationPrompt ?? false,
    continueFinalMessage: options.continueFinalMessage ?? false,
    now: (options.now ?? new Date()).getTime(),
    kwargs: plain(options.kwargs ?? {}, 'kwargs'),
  }
}

interface Failure {
  reason: string
  kind: string
  line: number | undefined
}

function failureOf(reply: Exclude<SandboxReply, { status: 'text' }>): Failure {
  switch (reply.status) {
    case 'fault':
      return { reason: reply.message, kind: reply.kind, line: reply.line }
    case 'failed':
      return { reason: reply.message, kind: 'limit', line: undefined }
    case 'timeout':
      return {
        reason: `it ran longer than ${TEMPLATE_LIMIT} ms and was stopped`,
        kind: 'limit',
        line: undefined,
      }
    case 'ids':
    case 'reads':
    case 'matches':
    case 'done':
      return { reason: 'it gave no text', kind: 'limit', line: undefined }
  }
}

/** One sentence about a template that failed, with its line where it is known. */
function sentence({ reason, line }: Failure): string {
  return `The chat template failed${line === undefined ? '' : ` in line ${line}`}: ${reason}`
}

async function run(sandbox: Sandbox, chat: ChatRequest): Promise<string> {
  const reply = await sandbox.run({ kind: 'render', chat }, TEMPLATE_LIMIT)
  if (reply.status === 'text') return reply.text
  const failure = failureOf(reply)
  // What the template itself raises is meant for the reader, in its own words.
  const message = failure.kind === 'raised' ? failure.reason : sentence(failure)
  throw new TokenscopeError('unsupported', message, {
    hint: 'Write the prompt as raw text instead.',
    details: { field: 'chat_template', ...failure },
  })
}

/** The thread that renders templates given by themselves; it starts with the first. */
let shared: Sandbox | null = null

/**
 * Messages as the text that Transformers' `apply_chat_template` would render with this template.
 * Throws `bad-argument` for data no template can take, `unsupported` when the template fails: the message is what the
 * template raised, else names the line; `details` has `kind`: 'raised', 'syntax', 'value', 'limit' or 'unsupported'.
 * @param options.specialTokens `bos_token`, `eos_token`, … as the template names them
 */
export async function renderChatTemplate(
  template: string,
  messages: readonly ChatMessage[],
  { specialTokens = {}, ...options }: ChatOptions & { specialTokens?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  if (typeof template !== 'string') return badArgument('template', typeof template, 'a text')
  shared ??= new Sandbox()
  return run(shared, requestOf(template, messages, specialTokens, options))
}

/** A model's own chat templates. They are code from elsewhere, so every rendering runs in the sandbox. */
export class ChatTemplate {
  readonly #templates: Templates
  readonly #tokens: Readonly<Record<string, string>>
  readonly #sandbox: Sandbox

  constructor(templates: Templates, tokens: Readonly<Record<string, string>>, sandbox: Sandbox) {
    this.#templates = templates
    this.#tokens = tokens
    this.#sandbox = sandbox
  }

  /** Messages as the model's text, or as that of `options.template`; throws as `renderChatTemplate` does. */
  async render(messages: readonly ChatMessage[], options: ChatOptions = {}): Promise<string> {
    const template = options.template ?? this.#choose(options.tools)
    if (template === null) throw missing([...this.#templates.keys()])
    const addGenerationPrompt = options.addGenerationPrompt ?? options.continueFinalMessage !== true
    return run(
      this.#sandbox,
      requestOf(template, messages, this.#tokens, { ...options, addGenerationPrompt }),
    )
  }

  /** What the template reads, and what is wrong with it. */
  async describe(): Promise<ChatTemplateInfo> {
    const source = this.#choose(null)
    const names = [...this.#templates.keys()]
    const specialTokens = this.#tokens
    if (source === null) {
      const problem = names.length === 0 ? null : missing(names).message
      return { names, source, specialTokens, reads: null, problem }
    }
    const problem = await this.#problemOf(source)
    return { names, source, specialTokens, reads: await this.#reads(source), problem }
  }

  /**
   * Tries a template on the plainest of messages. One that refuses it, or wants more than it has, may take others: null. One that
   * cannot be read, or did not end in time, is no use: why.
   */
  async #problemOf(template: string): Promise<string | null> {
    const chat = requestOf(template, [{ role: 'user', content: 'Hello' }], this.#tokens, {
      addGenerationPrompt: true,
    })
    const reply = await this.#sandbox.run({ kind: 'render', chat }, TEMPLATE_LIMIT)
    if (reply.status === 'text') return null
    const failure = failureOf(reply)
    return failure.kind === 'raised' || failure.kind === 'value' ? null : `${sentence(failure)}.`
  }

  async #reads(template: string): Promise<TemplateReads | null> {
    const reply = await this.#sandbox.run({ kind: 'describe', template }, TEMPLATE_LIMIT)
    return reply.status === 'reads' ? reply.reads : null
  }

  /** The template for tools where the model has one and there are tools, as Transformers chooses. */
  #choose(tools: readonly unknown[] | null | undefined): string | null {
    const forTools = tools === null || tools === undefined ? undefined : this.#templates.get('tool_use')
    return forTools ?? this.#templates.get('default') ?? null
  }
}

function missing(templates: readonly string[]): TokenscopeError {
  const names = templates.join(', ')
  return new TokenscopeError(
    'unsupported',
    names === ''
      ? 'This model has no chat template.'
      : `This model has no default chat template, only ${names}.`,
    {
      hint: 'Write the prompt as raw text instead.',
      details: { file: 'tokenizer_config.json', field: 'chat_template', got: names },
    },
  )
}
