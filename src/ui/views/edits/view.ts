import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const edits: View = {
  name: 'edits',
  group: 'change',
  task: 'generate',
  needs: 'inspect',
  title: 'view.edits',
  icon: 'sliders',
  component: later(() => import('./EditsView.tsx').then((module) => module.EditsView)),
  link: () => import('./link.ts'),
  left: {
    title: 'edits.list',
    icon: 'sliders',
    component: later(() => import('./EditList.tsx').then((module) => module.EditList)),
  },
  right: {
    title: 'edits.panel',
    icon: 'facts',
    component: later(() => import('./EditPanel.tsx').then((module) => module.EditPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
