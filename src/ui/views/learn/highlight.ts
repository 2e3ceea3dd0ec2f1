/** Attribute of the element a lesson is about; learn.css outlines it. */
const MARK = 'data-lesson-target'
/** Attributes by which an element becomes the one meant, or stops being it. */
const TELLING = ['aria-selected', 'aria-pressed', 'data-step', 'data-testid', 'class', 'hidden']

/**
 * Marks the first element on show that a selector names, and goes on doing so while the page changes; scrolls to every new one.
 * Calls back with it, or null while there is none. Returns the function that takes the mark away.
 */
export function markTarget(selector: string, changed: (target: HTMLElement | null) => void): () => void {
  let current: HTMLElement | null = null
  let frame = 0
  const look = (): void => {
    frame = 0
    const target = onShow(selector)
    if (target === current) return
    current?.removeAttribute(MARK)
    current = target
    target?.setAttribute(MARK, '')
    target?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    changed(target)
  }
  const observer = new MutationObserver(() => {
    if (frame === 0) frame = requestAnimationFrame(look)
  })
  observer.observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: TELLING,
  })
  look()
  return () => {
    observer.disconnect()
    cancelAnimationFrame(frame)
    current?.removeAttribute(MARK)
  }
}

function onShow(selector: string): HTMLElement | null {
  for (const element of document.querySelectorAll<HTMLElement>(selector))
    if (element.getClientRects().length > 0) return element
  return null
}

const FOCUSABLE = 'button:not(:disabled), input:not(:disabled), select, textarea, [tabindex="0"]'

/** Puts the focus on a target, or on the first thing in it that takes one. */
export function reach(target: HTMLElement): void {
  target.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  const inner = target.matches(`${FOCUSABLE}, [tabindex]`)
    ? target
    : target.querySelector<HTMLElement>(FOCUSABLE)
  if (inner !== null) return inner.focus()
  target.tabIndex = -1
  target.focus()
}
