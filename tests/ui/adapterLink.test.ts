import { expect, test } from 'vitest'
import { formatAdapters, parseAdapters } from '../../src/state/adapterLink.ts'
import type { AdapterOrigin } from '../../src/state/adapterScales.ts'

const LISTED = new Map([
  ['bard', 'The Bard'],
  ['a,b*c', 'Odd'],
])
const row = (name: string, origin: AdapterOrigin, scale = 1, enabled = true) => ({
  name,
  origin,
  scale,
  enabled,
})
const listed = (id: string): AdapterOrigin => ({ kind: 'listed', id })

test('what comes with the page or from the hub is carried, everything else is named', () => {
  const tracks = [
    row('The Bard', listed('bard'), 0.8),
    row('Odd', listed('a,b*c'), -1.25),
    row('my lora?', { kind: 'files' }),
    row('far', { kind: 'address', address: 'owner/far' }, 0.5),
    row('elsewhere', { kind: 'address', address: 'https://example.org/elsewhere' }),
  ]
  const text = formatAdapters(tracks, null)!
  expect(text).toBe('bard*0.8,a%2Cb%2Ac*-1.25,?my%20lora%3F*1,@owner%2Ffar*0.5,?elsewhere*1')
  expect(parseAdapters(text, LISTED)).toEqual([...tracks.slice(0, 4), row('elsewhere', { kind: 'files' })])
})

test('muted rows and those a solo silences are left out', () => {
  const tracks = [
    { ...row('The Bard', listed('bard')), id: '1' },
    { ...row('x', listed('x'), 2, false), id: '2' },
  ]
  expect(formatAdapters(tracks, null)).toBe('bard*1')
  expect(formatAdapters(tracks, '2')).toBe('x*2')
  expect(formatAdapters([], null)).toBeNull()
})

test('what a link names is read again; the unknown waits for its files', () => {
  expect(parseAdapters('bard*0.8,?my%20lora*1,gone*2,nonsense,*3', LISTED)).toEqual([
    row('The Bard', listed('bard'), 0.8),
    row('my lora', { kind: 'files' }),
    row('gone', { kind: 'files' }, 2),
  ])
})

test('a link cannot make the page ask an address that is not the hub’s', () => {
  for (const address of ['https://example.org/x', '../secret', 'https://hf.co.example.org/a/b']) {
    expect(parseAdapters(`@${encodeURIComponent(address)}*1`, LISTED)).toEqual([
      row(address, { kind: 'files' }),
    ])
  }
  expect(parseAdapters('@%E0%A4*1', LISTED)).toEqual([row('%E0%A4', { kind: 'files' })])
})
