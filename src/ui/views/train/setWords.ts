import type { MessageKey, Translate } from '../../words/index.ts'

/** Words of the data sets that come with the page; others go by their own name. */
const TITLES: Readonly<Record<string, MessageKey>> = {
  swap: 'train.set.swap',
  translate: 'train.set.translate',
  voice: 'train.set.voice',
  plot: 'train.set.plot',
  kind: 'train.set.kind',
}
const NOTES: Readonly<Record<string, MessageKey>> = {
  swap: 'train.set.swapNote',
  translate: 'train.set.translateNote',
  voice: 'train.set.voiceNote',
  plot: 'train.set.plotNote',
  kind: 'train.set.kindNote',
}

export function setTitle(t: Translate, name: string): string {
  const key = TITLES[name]
  return key === undefined ? name : t(key)
}

export function setNote(t: Translate, name: string): string {
  const key = NOTES[name]
  return key === undefined ? '' : t(key)
}
