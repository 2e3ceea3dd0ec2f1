import { lazy, Suspense, type ComponentType } from 'react'
import { loadViewMessages } from '../messages/index.ts'

/** A panel whose code, and whose words, are fetched when it is first shown: what opens first stays small. */
export function later(load: () => Promise<ComponentType>): ComponentType {
  const Panel = lazy(async () => {
    const [panel] = await Promise.all([load(), loadViewMessages()])
    return { default: panel }
  })
  return function Later() {
    return (
      <Suspense fallback={null}>
        <Panel />
      </Suspense>
    )
  }
}
