import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const attention: View = {
  name: 'attention',
  group: 'look',
  needs: 'inspect',
  title: 'view.attention',
  icon: 'heads',
  component: later(() => import('./AttentionView.tsx').then((module) => module.AttentionView)),
  right: {
    title: 'attention.panel',
    icon: 'facts',
    component: later(() => import('./HeadPanel.tsx').then((module) => module.HeadPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
