import { test } from 'vitest'
import { expectEveryView } from './everyView.ts'

/** One of each kind; those of every type are in `more`. */
const KINDS = {
  'experts with windows and sinks': 'gpt-oss',
  'fused modules': 'phi3',
  'learned positions': 'opt',
  'an encoder': 'modernbert',
}

test(`every view opens on ${Object.keys(KINDS).join(', ')}`, () => expectEveryView(Object.values(KINDS)))
