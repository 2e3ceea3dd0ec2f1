/** Milliseconds between two pauses. */
const BUSY_MS = 12

/** Awaited within long work: lets the page answer whenever it was kept busy for a while. */
export function breather(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < BUSY_MS) return
    await new Promise<void>((resolve) => setTimeout(resolve))
    since = performance.now()
  }
}
