import { ChatTools } from './chat/ChatTools.tsx'
import { Composer } from './chat/Composer.tsx'
import { Messages } from './chat/Messages.tsx'
import { RenderedPrompt } from './chat/RenderedPrompt.tsx'
import { TemplateNotice } from './chat/TemplateNotice.tsx'

/** A chat with the model; what it answers is the page's text, so that every view shows it. */
export function ChatView() {
  return (
    <div className="chat" data-testid="chat-view">
      <ChatTools />
      <TemplateNotice />
      <RenderedPrompt />
      <Messages />
      <Composer />
    </div>
  )
}
