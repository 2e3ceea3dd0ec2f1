import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const branches: View = {
  name: 'branches',
  group: 'change',
  task: 'generate',
  needs: 'fork',
  title: 'view.branches',
  icon: 'branch',
  component: later(() => import('./BranchesView.tsx').then((module) => module.BranchesView)),
  right: {
    title: 'branches.panel',
    icon: 'facts',
    component: later(() => import('./BranchToken.tsx').then((module) => module.BranchToken)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
