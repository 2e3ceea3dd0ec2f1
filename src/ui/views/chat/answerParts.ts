import type { ChatMessage } from '../../../api/chat.ts'

/** An answer's text, taken apart. */
export interface AnswerParts {
  /** What stands between `<think>` and `</think>`; null without. */
  reasoning: string | null
  /** True where the reasoning has ended. */
  decided: boolean
  /** Characters of the whole text before the answer proper. */
  answerAt: number
  answer: string
}

const OPEN = '<think>'
const CLOSE = '</think>'

/** @param reasons whether the prompt has opened the reasoning already */
export function answerParts(text: string, reasons: boolean): AnswerParts {
  const start = /^\s*<think>/.exec(text)?.[0].length ?? 0
  if (start === 0 && !reasons) return { reasoning: null, decided: true, answerAt: 0, answer: text }
  const end = text.indexOf(CLOSE, start)
  if (end < 0) return { reasoning: text.slice(start), decided: false, answerAt: text.length, answer: '' }
  const answerAt = end + CLOSE.length
  return { reasoning: text.slice(start, end), decided: true, answerAt, answer: text.slice(answerAt) }
}

/** Whether a rendered prompt ends within reasoning. */
export function endsInReasoning(prompt: string): boolean {
  return prompt.trimEnd().endsWith(OPEN)
}

export interface ToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: unknown }
}

const TAGGED = /<tool_call>\s*([\s\S]*?)\s*<\/tool_call>/g

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // What is not JSON is no call.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function callOf(value: unknown): Pick<ToolCall['function'], 'name' | 'arguments'> | null {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string')
    return null
  const given = 'arguments' in value ? value.arguments : 'parameters' in value ? value.parameters : {}
  return { name: value.name, arguments: given }
}

/**
 * The calls of tools in an answer and what else it says: JSON between `<tool_call>` tags, as Hermes and Qwen write it, or an
 * answer that is JSON as a whole, as Llama and Mistral do.
 */
export function toolCalls(answer: string): { calls: ToolCall[]; rest: string } {
  const tagged = [...answer.matchAll(TAGGED)].map((match) => parseJson(match[1] ?? ''))
  const candidates = tagged.length > 0 ? tagged : [parseJson(answer.trim())].flat()
  const parsed = candidates.flatMap((value) => callOf(value) ?? [])
  if (parsed.length === 0 || parsed.length < candidates.length) return { calls: [], rest: answer }
  const calls = parsed.map((call, at) => ({
    id: `call_${at + 1}`.padEnd(9, '0'),
    type: 'function' as const,
    function: call,
  }))
  return { calls, rest: tagged.length > 0 ? answer.replace(TAGGED, '').trim() : '' }
}

/** What a template is handed of an answer: its parts under the names that the template reads, else the text as it is. */
export function answerMessage(
  text: string,
  { reasons, fields, tools }: { reasons: boolean; fields: readonly string[]; tools: boolean },
): ChatMessage {
  const { reasoning, decided, answer } = answerParts(text, reasons)
  const apart = reasoning !== null && decided && fields.includes('reasoning_content')
  const kept = apart ? answer.replace(/^\n+/, '') : text
  const { calls, rest } = tools && fields.includes('tool_calls') ? toolCalls(apart ? kept : answer) : NO_CALLS
  return {
    role: 'assistant',
    content: calls.length > 0 ? rest : kept,
    ...(apart ? { reasoning_content: reasoning.trim() } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
}

const NO_CALLS: { calls: ToolCall[]; rest: string } = { calls: [], rest: '' }
