/** Milliseconds between two pauses. */
const BUSY_MS = 12

/** Resolves in a task of its own: what is drawn then is not held up by what was computed before. */
export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/** Awaited within long work: lets the page answer whenever it was kept busy for a while. */
export function breather(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < BUSY_MS) return
    await nextTask()
    since = performance.now()
  }
}
