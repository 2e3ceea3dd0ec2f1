import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const train: View = {
  name: 'train',
  group: 'adapt',
  needs: 'train',
  title: 'view.train',
  icon: 'curve',
  component: later(() => import('./TrainView.tsx').then((module) => module.TrainView)),
  left: {
    title: 'train.setup',
    icon: 'sliders',
    component: later(() => import('./TrainSetup.tsx').then((module) => module.TrainSetup)),
  },
  right: {
    title: 'train.panel',
    icon: 'layers',
    component: later(() => import('./CheckpointPanel.tsx').then((module) => module.CheckpointPanel)),
  },
}
