import type { ChatMessage } from '../../../api/chat.ts'
import type { Chat } from './store.ts'
import { optionsOf } from './rendering.ts'
import { contentText } from './turns.ts'

export const EXPORTS = ['text', 'markdown', 'json'] as const
export type ExportFormat = (typeof EXPORTS)[number]

const FILES = {
  text: { name: 'chat.txt', type: 'text/plain' },
  markdown: { name: 'chat.md', type: 'text/markdown' },
  json: { name: 'chat.json', type: 'application/json' },
} as const

/** What a message says, its calls of tools as JSON. */
function bodyOf(message: ChatMessage): string {
  const calls = message['tool_calls']
  const text = contentText(message)
  return calls === undefined
    ? text
    : [text, JSON.stringify(calls, null, 2)].filter((part) => part !== '').join('\n\n')
}

/** The turns on show as one file. JSON holds the messages and options as they went to the template. */
export function exportChat(chat: Chat, model: string, format: ExportFormat): { name: string; blob: Blob } {
  const { name, type } = FILES[format]
  return { name, blob: new Blob([writeChat(chat, model, format)], { type: `${type};charset=utf-8` }) }
}

export function writeChat(chat: Chat, model: string, format: ExportFormat): string {
  const { fields } = chat.state.getState()
  const system: ChatMessage[] =
    fields.system.trim() === '' ? [] : [{ role: 'system', content: fields.system }]
  const turns = [...system, ...chat.messages().slice(system.length)]
  switch (format) {
    case 'text':
      return turns.map((turn) => `${turn.role}: ${bodyOf(turn)}\n`).join('\n')
    case 'markdown':
      return turns.map((turn) => `## ${turn.role}\n\n${bodyOf(turn)}\n`).join('\n')
    case 'json':
      return `${JSON.stringify({ model, messages: turns, options: optionsOf(chat.state.getState()) }, null, 2)}\n`
  }
}
