import { describe, test } from 'vitest'
import { ALL } from '../../all.ts'
import { ENCODERS, expectEveryView, fixtureOfEachType } from '../everyView.ts'

/** Models of a page. */
const PAGE = 5

const decoders = fixtureOfEachType().filter((name) => !ENCODERS.includes(name))
const pages = Array.from({ length: Math.ceil(decoders.length / PAGE) }, (_, i) =>
  decoders.slice(PAGE * i, PAGE * (i + 1)),
)

const why = ALL ? '' : ' (skipped: npm run test:all runs it, npm test one of each kind)'

describe(`every view opens on every type of model${why}`, () => {
  test.skipIf(!ALL).each([...pages, ENCODERS].map((names) => [names.join(', '), names] as const))(
    '%s',
    (_, names) => expectEveryView(names),
  )
})
