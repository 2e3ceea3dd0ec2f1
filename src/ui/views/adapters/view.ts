import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const adapters: View = {
  name: 'adapters',
  group: 'adapt',
  needs: 'addAdapter',
  title: 'view.adapters',
  icon: 'faders',
  component: later(() => import('./AdaptersView.tsx').then((module) => module.AdaptersView)),
  left: {
    title: 'adapters.title',
    icon: 'plus',
    component: later(() => import('./AddPanel.tsx').then((module) => module.AddPanel)),
  },
  right: {
    title: 'adapters.text',
    icon: 'text',
    component: later(() => import('./TextPanel.tsx').then((module) => module.TextPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
