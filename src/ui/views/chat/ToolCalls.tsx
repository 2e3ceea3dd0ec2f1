import type { ToolCall } from './answerParts.ts'
import { useTranslate } from '../../context.ts'
import { useChat } from './hooks.ts'

/** The tools an answer calls; a result is written as the next message. */
export function ToolCalls({ calls }: { calls: readonly ToolCall[] }) {
  const chat = useChat()
  const t = useTranslate()
  return (
    <ul className="chat-calls">
      {calls.map((call, index) => (
        <li key={index} data-testid="chat-tool-call">
          <code>
            {call.function.name}({JSON.stringify(call.function.arguments)})
          </code>
          <button
            type="button"
            className="button"
            onClick={() => {
              chat.setDraft({ role: 'tool', fields: { name: call.function.name, tool_call_id: call.id } })
              document.getElementById('chat-input')?.focus()
            }}
          >
            {t('chat.result')}
          </button>
        </li>
      ))}
    </ul>
  )
}
