import { later } from '../later.tsx'
import type { View } from '../view.ts'

const panels = () => import('./panels.ts')

export const train: View = {
  name: 'train',
  group: 'adapt',
  needs: 'train',
  title: 'view.train',
  icon: 'curve',
  component: later(() => panels().then((module) => module.TrainView)),
  left: {
    title: 'train.setup',
    icon: 'sliders',
    component: later(() => panels().then((module) => module.TrainSetup)),
  },
  right: {
    title: 'train.panel',
    icon: 'layers',
    component: later(() => panels().then((module) => module.CheckpointPanel)),
  },
  keys: async () => (await import('./keys.ts')).keys,
}
