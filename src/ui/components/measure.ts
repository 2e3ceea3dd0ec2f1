import { useEffect, useState, useSyncExternalStore } from 'react'

/** Size of an element in CSS pixels, 0 × 0 before it is laid out. */
export function useSize(element: HTMLElement | null): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 })
  useEffect(() => {
    if (element === null) return
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return size
}

function onResize(listener: () => void): () => void {
  addEventListener('resize', listener)
  return () => removeEventListener('resize', listener)
}

/** Device pixels of a CSS pixel; follows the window to another screen and the reader's zoom. */
export function usePixelRatio(): number {
  return useSyncExternalStore(onResize, () => devicePixelRatio)
}
