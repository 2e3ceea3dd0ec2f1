import { useRef } from 'react'
import { EXPORTS, exportChat } from './exportChat.ts'
import { Icon } from '../../components/Icon.tsx'
import { Legend } from '../../components/Legend.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { saveFile } from '../../components/saveFile.ts'
import { useBusy, useChat, useChatState, usePath } from './hooks.ts'

/** How turns are shown, the rendered prompt, export, and a new chat. */
export function ChatTools() {
  const chat = useChat()
  const t = useTranslate()
  const display = useChatState((state) => state.display)
  const showsPrompt = useChatState((state) => state.showsPrompt)
  const colouring = useApp((state) => state.colouring)
  return (
    <div className="output-tools cluster chat-tools">
      <Segmented
        label={t('chat.display')}
        value={display}
        choices={(['tokens', 'markdown'] as const).map((value) => ({
          value,
          label: t(`chat.display.${value}`),
        }))}
        onChange={(next) => chat.state.setState({ display: next })}
      />
      <button
        type="button"
        className="button"
        data-testid="chat-show-prompt"
        aria-expanded={showsPrompt}
        title={t('chat.promptHint')}
        onClick={() => chat.showPrompt(!showsPrompt)}
      >
        {t('chat.prompt')}
      </button>
      <ExportMenu />
      <NewChat />
      {display === 'tokens' && <Legend colouring={colouring} />}
    </div>
  )
}

function ExportMenu() {
  const chat = useChat()
  const session = useSession()
  const t = useTranslate()
  const empty = usePath().length === 0
  const select = useRef<HTMLSelectElement>(null)
  return (
    <select
      ref={select}
      className="select"
      data-testid="chat-export"
      aria-label={t('chat.export')}
      disabled={empty}
      value=""
      onChange={(event) => {
        const format = EXPORTS.find((name) => name === event.currentTarget.value)
        if (format !== undefined) saveFile(exportChat(chat, session.model?.info.id ?? '', format))
      }}
    >
      <option value="" disabled hidden>
        {t('chat.export')}
      </option>
      {EXPORTS.map((format) => (
        <option key={format} value={format}>
          {t(`chat.export.${format}`)}
        </option>
      ))}
    </select>
  )
}

function NewChat() {
  const chat = useChat()
  const t = useTranslate()
  const busy = useBusy()
  const empty = useChatState((state) => state.tree.turns.size === 0)
  return (
    <button
      type="button"
      className="button button-quiet"
      data-testid="chat-clear"
      disabled={busy || empty}
      onClick={() => chat.clear()}
    >
      <Icon name="reset" />
      {t('chat.clear')}
    </button>
  )
}
