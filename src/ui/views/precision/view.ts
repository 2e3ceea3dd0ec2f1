import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const precision: View = {
  name: 'precision',
  group: 'measure',
  task: 'generate',
  needs: 'precision',
  title: 'view.precision',
  icon: 'bars',
  component: later(() => import('./PrecisionView.tsx').then((module) => module.PrecisionView)),
  keys: async () => (await import('./keys.ts')).keys,
}
