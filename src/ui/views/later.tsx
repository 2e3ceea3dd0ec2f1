import { lazy, Suspense, type ComponentType } from 'react'
import { loadViewMessages } from '../words/index.ts'

/** A part of the first screen whose code comes behind it; its words are among those a page opens with. */
export function soon(load: () => Promise<ComponentType>): ComponentType {
  const Part = lazy(async () => ({ default: await load() }))
  return function Soon() {
    return (
      <Suspense fallback={null}>
        <Part />
      </Suspense>
    )
  }
}

/** A panel whose code, and whose words, are fetched when it is first shown: what opens first stays small. */
export function later(load: () => Promise<ComponentType>): ComponentType {
  return soon(async () => (await Promise.all([load(), loadViewMessages()]))[0])
}
