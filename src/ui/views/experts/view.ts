import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const experts: View = {
  name: 'experts',
  group: 'look',
  needs: 'inspect',
  title: 'view.experts',
  icon: 'shuffle',
  component: later(() => import('./ExpertsView.tsx').then((module) => module.ExpertsView)),
  right: {
    title: 'experts.panel',
    icon: 'facts',
    component: later(() => import('./ExpertsPanel.tsx').then((module) => module.ExpertsPanel)),
  },
}
