import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const trace: View = {
  name: 'trace',
  group: 'keep',
  title: 'view.trace',
  icon: 'open',
  component: later(() => import('./TraceView.tsx').then((module) => module.TraceView)),
  keys: async () => (await import('./keys.ts')).keys,
}
