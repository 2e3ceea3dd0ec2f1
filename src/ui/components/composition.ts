/** A key event of the page or of React. */
type Key = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'isComposing' | 'target'>

/** True for Ctrl or Cmd with Enter, which runs what is typed: also while a syllable is still being composed. */
export const isRunKey = ({ key, ctrlKey, metaKey }: Pick<Key, 'key' | 'ctrlKey' | 'metaKey'>): boolean =>
  key === 'Enter' && (ctrlKey || metaKey)

/** True for a key that belongs to the input method: a Hangul syllable is composed until the next one begins. */
export const isComposed = (event: Key): boolean => event.isComposing && !isRunKey(event)

/** Ends a composition, so that its syllable is typed and stays. */
export function endComposition({ isComposing, target }: Key): void {
  if (!isComposing || !(target instanceof HTMLElement)) return
  target.blur()
  target.focus({ preventScroll: true })
}
