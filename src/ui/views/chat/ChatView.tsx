import { ChatTools } from './ChatTools.tsx'
import { Composer } from './Composer.tsx'
import { Messages } from './Messages.tsx'
import { RenderedPrompt } from './RenderedPrompt.tsx'
import { TemplateNotice } from './TemplateNotice.tsx'

/** A chat with the model; what it answers is the page's text, so that every view shows it. */
export function ChatView() {
  return (
    <div className="chat stack" data-testid="chat-view">
      <ChatTools />
      <TemplateNotice />
      <RenderedPrompt />
      <Messages />
      <Composer />
    </div>
  )
}
