import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const lens: View = {
  name: 'lens',
  group: 'look',
  needs: 'lens',
  title: 'view.lens',
  icon: 'layers',
  component: later(() => import('./LensView.tsx').then((module) => module.LensView)),
  right: {
    title: 'lens.panel',
    icon: 'facts',
    component: later(() => import('./LensPanel.tsx').then((module) => module.LensPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
