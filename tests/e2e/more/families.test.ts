import { describe, test } from 'vitest'
import { ALL } from '../../all.ts'
import { ENCODERS, expectEveryView, fixtureOfEachType } from '../everyView.ts'

/** Models of a page. */
const PAGE = 5

const decoders = fixtureOfEachType().filter((name) => !ENCODERS.includes(name))
const pages = Array.from({ length: Math.ceil(decoders.length / PAGE) }, (_, i) =>
  decoders.slice(PAGE * i, PAGE * (i + 1)),
)

/** One of each kind, for a run that leaves out the others. */
const KINDS = {
  'experts with windows and sinks': 'gpt-oss',
  'fused modules': 'phi3',
  'learned positions': 'opt',
  'an encoder': 'modernbert',
}

const why = ALL ? '' : ' (skipped: npm run test:all runs it)'

describe(`every view opens on every type of model${why}`, () => {
  test.skipIf(!ALL).each([...pages, ENCODERS].map((names) => [names.join(', '), names] as const))(
    '%s',
    (_, names) => expectEveryView(names),
  )
})

if (!ALL)
  test(`every view opens on ${Object.keys(KINDS).join(', ')}`, () => expectEveryView(Object.values(KINDS)))
