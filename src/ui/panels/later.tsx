import { lazy, Suspense, type ComponentType } from 'react'

/** A panel whose code is fetched when it is first shown: what opens first stays small. */
export function later(load: () => Promise<ComponentType>): ComponentType {
  const Panel = lazy(async () => ({ default: await load() }))
  return function Later() {
    return (
      <Suspense fallback={null}>
        <Panel />
      </Suspense>
    )
  }
}
