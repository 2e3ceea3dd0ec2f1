import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const score: View = {
  name: 'score',
  group: 'measure',
  task: 'generate',
  needs: 'score',
  title: 'view.score',
  icon: 'gauge',
  component: later(() => import('./ScoreView.tsx').then((module) => module.ScoreView)),
  right: {
    title: 'score.panel',
    icon: 'facts',
    component: later(() => import('./ScorePanel.tsx').then((module) => module.ScorePanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
