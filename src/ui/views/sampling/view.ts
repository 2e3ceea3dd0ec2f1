import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const sampling: View = {
  name: 'sampling',
  group: 'change',
  task: 'generate',
  title: 'view.sampling',
  icon: 'funnel',
  component: later(() => import('./SamplingView.tsx').then((module) => module.SamplingView)),
}
