import { later } from '../later.tsx'
import type { View } from '../view.ts'

export const tokenizer: View = {
  name: 'tokenizer',
  group: 'look',
  needs: 'companions',
  title: 'view.tokenizer',
  icon: 'split',
  component: later(() => import('./TokenizerView.tsx').then((module) => module.TokenizerView)),
  keys: async () => (await import('./keys.ts')).keys,
}
