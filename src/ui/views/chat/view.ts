import { LogitsPanel } from '../write/LogitsPanel.tsx'
import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const chat: View = {
  name: 'chat',
  group: 'write',
  task: 'generate',
  title: 'view.chat',
  icon: 'chat',
  component: later(() => import('./ChatView.tsx').then((module) => module.ChatView)),
  left: {
    title: 'chat.setup',
    icon: 'sliders',
    component: later(() => import('./ChatSetup.tsx').then((module) => module.ChatSetup)),
  },
  right: { title: 'logits.title', icon: 'bars', component: LogitsPanel },
  keys: async () => (await import('./keys.ts')).keys,
}
