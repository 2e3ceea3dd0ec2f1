import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const learn: View = {
  name: 'learn',
  group: 'keep',
  task: 'generate',
  needs: 'inspect',
  title: 'view.learn',
  icon: 'book',
  component: later(() => import('./LearnView.tsx').then((module) => module.LearnView)),
  link: () => import('./link.ts'),
}
