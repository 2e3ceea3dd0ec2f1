import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const steps: View = {
  name: 'steps',
  group: 'look',
  needs: 'inspect',
  title: 'view.steps',
  icon: 'grid',
  component: later(() => import('./StepsView.tsx').then((module) => module.StepsView)),
  left: {
    title: 'steps.tree',
    icon: 'tree',
    component: later(() => import('./TreePanel.tsx').then((module) => module.TreePanel)),
  },
  right: {
    title: 'steps.inspector',
    icon: 'facts',
    component: later(() => import('./InspectorPanel.tsx').then((module) => module.InspectorPanel)),
  },
  bottom: later(() => import('./TransportBar.tsx').then((module) => module.TransportBar)),
  link: () => import('./link.ts'),
  keys: async () => (await import('./keys.ts')).keys,
}
