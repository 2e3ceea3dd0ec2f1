import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const fill: View = {
  name: 'fill',
  group: 'write',
  task: 'fill-mask',
  title: 'view.fill',
  icon: 'facts',
  component: later(() => import('./FillView.tsx').then((module) => module.FillView)),
}
