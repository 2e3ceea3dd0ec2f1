import { SamplingPanel } from '../write/SamplingPanel.tsx'
import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const compare: View = {
  name: 'compare',
  group: 'adapt',
  task: 'generate',
  needs: 'compare',
  title: 'view.compare',
  icon: 'pair',
  component: later(() => import('./CompareView.tsx').then((module) => module.CompareView)),
  left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
  right: {
    title: 'compare.panel',
    icon: 'facts',
    component: later(() => import('./ComparePanel.tsx').then((module) => module.ComparePanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
