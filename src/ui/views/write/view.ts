import { LogitsPanel } from './LogitsPanel.tsx'
import { WriteSide, WriteView } from './WriteView.tsx'
import type { View } from '../view.ts'

export const write: View = {
  name: 'write',
  group: 'write',
  task: 'generate',
  title: 'view.write',
  icon: 'text',
  component: WriteView,
  left: { title: 'sampling.title', icon: 'sliders', component: WriteSide },
  right: { title: 'logits.title', icon: 'bars', component: LogitsPanel },
}
