import { useApp, useMedia } from '../context.ts'
import type { Shade } from '../draw/ramps.ts'

/** Whether the page is light or dark now. */
export function useShade(): Shade {
  const theme = useApp((state) => state.theme)
  const system = useMedia('(prefers-color-scheme: dark)')
  return theme === 'dark' || (theme === 'auto' && system) ? 'dark' : 'light'
}
