import { chatOf } from './store.ts'
import { usesOwnTemplate } from './rendering.ts'
import { pathOf, type Turn } from './turns.ts'
import { isRunning } from '../../../state/app.ts'
import { hooksOf, useApp } from '../../context.ts'

export const [useChat, useChatState] = hooksOf(chatOf)

/** The turns on show, rendering again as the live one grows. */
export function usePath(): Turn[] {
  useChatState((state) => state.version)
  return pathOf(useChatState((state) => state.tree))
}

/** Whether a model with a tokenizer answers, and how its turns are written is settled. */
export function useReady(): boolean {
  const hasText = useApp(({ model }) => 'info' in model && model.info?.hasTokenizer === true)
  const settled = useChatState(
    (state) => state.template !== null && (usesOwnTemplate(state) || state.fallback !== null),
  )
  const lost = useApp((state) => state.model.kind === 'lost')
  return hasText && settled && !lost
}

/** Whether any run is under way. */
export function useBusy(): boolean {
  return useApp((state) => isRunning(state.run))
}
