/**
 * A long text is laid out in blocks of whole lines, so that one more token lays out the last block and not the whole
 * text. A seam is the index of a group of tokens that begins a line; blocks run from seam to seam.
 */

/** Groups an open block may hold before its full lines are closed off. */
export const OPEN_GROUPS = 96
/** Groups of a closed block, at most. */
const CLOSED_GROUPS = 64

/** Adds seams while more than {@link OPEN_GROUPS} are open; returns the same array when there is nothing to add. */
export function extendSeams(
  seams: readonly number[],
  groups: number,
  startsLine: (group: number) => boolean,
): readonly number[] {
  const added: number[] = []
  let from = seams.at(-1) ?? 0
  while (groups - from > OPEN_GROUPS) {
    let seam = from + CLOSED_GROUPS
    while (seam > from && !startsLine(seam)) seam--
    // One line holds them all: it stays open.
    if (seam === from) break
    added.push(seam)
    from = seam
  }
  return added.length === 0 ? seams : [...seams, ...added]
}

/** Whether a token's element begins a line; its leading space may hang at the end of the line before. */
export function beginsLine(element: Element, previous: Element): boolean {
  const rects = element.getClientRects()
  const [first, last] = [rects[0], rects[rects.length - 1]]
  const end = [...previous.getClientRects()].at(-1)
  if (first === undefined || last === undefined || end === undefined) return false
  const below = (top: number) => top > end.top + end.height / 2
  const onlySpaceAbove =
    rects.length === 2 && element.textContent.startsWith(' ') && first.width < last.height / 2
  return below(first.top) || (onlySpaceAbove && below(last.top))
}
