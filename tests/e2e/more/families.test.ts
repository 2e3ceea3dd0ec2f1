import { describe, test } from 'vitest'
import { ENCODERS, expectEveryView, fixtureOfEachType } from '../everyView.ts'

/** Models of a page. */
const PAGE = 5

const decoders = fixtureOfEachType().filter((name) => !ENCODERS.includes(name))
const pages = Array.from({ length: Math.ceil(decoders.length / PAGE) }, (_, i) =>
  decoders.slice(PAGE * i, PAGE * (i + 1)),
)

describe('every view opens on every type of model', () => {
  test.each([...pages, ENCODERS].map((names) => [names.join(', '), names] as const))('%s', (_, names) =>
    expectEveryView(names),
  )
})
