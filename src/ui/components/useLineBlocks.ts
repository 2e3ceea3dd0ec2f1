import { useEffect, useLayoutEffect, useState, type RefObject } from 'react'
import type { TokenLog } from '../../state/tokenLog.ts'
import { beginsLine, extendSeams } from '../draw/seams.ts'

interface Lines {
  /** What the lines depend on besides the width: the text and how it is shown. */
  key: string
  seams: readonly number[]
}

const NO_SEAMS: readonly number[] = []
/** Milliseconds a changed width rests before lines are measured again. */
const DEBOUNCE_MS = 200

/** Seams of the shown text; empty while lines may be moving. */
export function useLineBlocks(
  log: TokenLog,
  box: RefObject<HTMLElement | null>,
  shownAs: string,
): readonly number[] {
  const key = `${log.epoch} ${shownAs}`
  const [lines, setLines] = useState<Lines>({ key, seams: NO_SEAMS })
  const moving = useMovingWidth(box)
  const seams = lines.key === key && !moving ? lines.seams : NO_SEAMS
  const groups = log.groups.length
  useLayoutEffect(() => {
    if (moving) return
    const element = (group: number) => document.getElementById(`token-${log.groups[group]}`)
    const next = extendSeams(seams, groups, (group) => {
      const [here, previous] = [element(group), element(group - 1)]
      return here !== null && previous !== null && beginsLine(here, previous)
    })
    // Where lines begin is known only after layout, before the browser paints.
    // oxlint-disable-next-line react/set-state-in-effect
    if (next !== lines.seams) setLines({ key, seams: next })
  }, [log, groups, seams, lines, key, moving])
  return seams
}

/** True from a change of width or of fonts until things are at rest. */
function useMovingWidth(box: RefObject<HTMLElement | null>): boolean {
  const [moving, setMoving] = useState(false)
  useEffect(() => {
    const element = box.current
    if (element === null) return
    let width = element.clientWidth
    let timer: ReturnType<typeof setTimeout> | undefined
    const move = () => {
      setMoving(true)
      clearTimeout(timer)
      timer = setTimeout(() => setMoving(false), DEBOUNCE_MS)
    }
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return
      width = element.clientWidth
      move()
    })
    observer.observe(element)
    document.fonts.addEventListener('loadingdone', move)
    return () => {
      observer.disconnect()
      document.fonts.removeEventListener('loadingdone', move)
      clearTimeout(timer)
    }
  }, [box])
  return moving
}
