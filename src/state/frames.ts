/** `show`, called at most once a frame however often it is asked for. */
export function oncePerFrame(show: () => void): () => void {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      show()
    })
  }
}
