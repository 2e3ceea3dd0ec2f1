import { SamplingPanel } from '../write/SamplingPanel.tsx'
import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const speculate: View = {
  name: 'speculate',
  group: 'measure',
  task: 'generate',
  needs: 'speculate',
  title: 'view.speculate',
  icon: 'layerNext',
  component: later(() => import('./SpeculateView.tsx').then((module) => module.SpeculateView)),
  left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
  right: {
    title: 'speculate.panel',
    icon: 'facts',
    component: later(() => import('./ProposalPanel.tsx').then((module) => module.ProposalPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
