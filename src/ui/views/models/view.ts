import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const models: View = {
  name: 'models',
  group: 'keep',
  title: 'view.models',
  icon: 'download',
  component: later(() => import('./ModelsView.tsx').then((module) => module.ModelsView)),
}
