import type { Session } from './session.ts'

/** Held by every tab that has the model on its GPU; browsers let go of it when the tab goes. */
const lockOf = (model: string): string => `tokenscope-model:${model}`
/** Tabs of one origin call each other here. */
const CHANNEL = 'tokenscope-tabs'
const TITLE_MS = 1000
const TITLE_BLINKS = 12
/** A page that is being left may hold its lock for a moment after the next one has started: it is asked for again and again. */
const LEAVING_MS = 300
const LEAVING_TRIES = 5

const locksOf = (): LockManager | undefined =>
  typeof navigator === 'undefined' ? undefined : navigator.locks

/** True when another tab has this model on its GPU. What is free is known at once, however busy the machine. */
export async function isElsewhere(model: string): Promise<boolean> {
  const locks = locksOf()
  if (!locks) return false
  for (let tries = 1; ; tries++) {
    const isFree = await locks.request(lockOf(model), { ifAvailable: true }, (lock) => lock !== null)
    if (isFree || tries === LEAVING_TRIES) return !isFree
    await new Promise((resolve) => setTimeout(resolve, LEAVING_MS))
  }
}

/** From now on this tab tells others which model it holds, and makes itself known when it is asked for. */
export function watchTabs({ app }: Session): void {
  const locks = locksOf()
  let held: { model: string; release: () => void } | null = null
  const updateLock = (): void => {
    const { model, modelId } = app.getState()
    if (model.kind === 'loading') return
    const name = 'info' in model && model.info !== null && model.kind !== 'lost' ? modelId : null
    if (held?.model === name) return
    held?.release()
    held = null
    if (name === null || !locks) return
    const ended = new Promise<void>((release) => (held = { model: name, release }))
    // Several tabs may hold the same model once a person has asked for it.
    void locks.request(lockOf(name), { mode: 'shared' }, () => ended)
  }
  app.subscribe(updateLock)
  updateLock()
  if (typeof BroadcastChannel === 'undefined') return
  const channel = new BroadcastChannel(CHANNEL)
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (held !== null && data === held.model) blinkTitle()
  })
}

/** No page may come to the front by itself: its title says where it is. */
function blinkTitle(): void {
  const { title } = document
  let left = TITLE_BLINKS
  const timer = setInterval(() => {
    left -= 1
    document.title = left % 2 === 1 && left > 0 ? `● ${title}` : title
    if (left <= 0) {
      document.title = title
      clearInterval(timer)
    }
  }, TITLE_MS)
}

/** Has the tab that holds the model make itself known. */
export function callTab(model: string): void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage(model)
  channel.close()
}
