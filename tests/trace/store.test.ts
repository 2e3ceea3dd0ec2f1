import { expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { SavedTraces, sizeOf, traceName } from '../../src/ui/views/trace/store.ts'
import { Session } from '../../src/state/session.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { writeTrace } from '../../src/trace/write.ts'
import { createFakeClient } from '../ui/fakeClient.ts'
import { sampleContent } from './content.ts'

const good = new Blob([(await writeTrace(sampleContent())) as Uint8Array<ArrayBuffer>])
const broken = good.slice(0, 40)

function traces(): SavedTraces {
  const app = createAppStore(DEFAULT_PREFERENCES)
  const log = new TokenLog((run) => run())
  return new SavedTraces(new Session({ client: createFakeClient(), app, log, now: () => 0 }))
}

test('a file is shown with its last kept step and last token; a broken one leaves it there', async () => {
  const saved = traces()
  await saved.open(good, 'a.tokenscope')
  expect(saved.state.getState()).toMatchObject({
    opening: { kind: 'idle' },
    shown: { name: 'a.tokenscope' },
    step: 'layers.0.resid',
    row: 3,
  })
  await saved.open(broken, 'b.tokenscope')
  expect(saved.state.getState()).toMatchObject({
    opening: { kind: 'failed', name: 'b.tokenscope', error: { code: 'bad-file' } },
    shown: { name: 'a.tokenscope' },
  })
  saved.selectRow(99)
  expect(saved.state.getState().row).toBe(3)
})

test('of two files the one asked for last is shown; closing drops what is on its way', async () => {
  const saved = traces()
  await Promise.all([saved.open(good, 'first'), saved.open(good, 'second')])
  expect(saved.state.getState().shown?.name).toBe('second')
  const late = saved.open(good, 'third')
  saved.close()
  await late
  expect(saved.state.getState()).toMatchObject({ shown: null, opening: { kind: 'idle' } })
})

test('sizes of choices add up, and everything holds the others', () => {
  const sizes = { residuals: 10, attention: 20, logits: 40, everything: 100 }
  expect(sizeOf([], sizes)).toBe(0)
  expect(sizeOf(['residuals', 'logits'], sizes)).toBe(50)
  expect(sizeOf(['residuals', 'everything'], sizes)).toBe(100)
})

test.each([
  ['tales-3m', ['<s>', 'Once', ' upon', ' a', ' time', ' there'], 'tales-3m-s-Once-upon-a.tokenscope'],
  ['owner/name', ['미나와', ' 소라는'], 'name-미나와-소라는.tokenscope'],
  ['http://localhost:1/models/tiny/', ['?!'], 'tiny.tokenscope'],
])('a file of %s is named after its model and first words', (id, texts, name) => {
  expect(traceName(id, texts)).toBe(name)
})
