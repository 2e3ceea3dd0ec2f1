import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const map: View = {
  name: 'map',
  group: 'write',
  needs: 'inspect',
  title: 'view.map',
  icon: 'map',
  component: later(() => import('./MapView.tsx').then((module) => module.MapView)),
  bottom: later(() => import('../steps/TransportBar.tsx').then((module) => module.TransportBar)),
  keys: async () => (await import('./keys.ts')).keys,
}
