import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test, vi } from 'vitest'

// A key's name depends on the machine.
vi.stubGlobal('navigator', { userAgent: 'X11', languages: ['en'] })
const { VIEWS } = await import('../../src/ui/views/index.ts')
const keyLists = await Promise.all(
  VIEWS.flatMap(({ name, keys }) => (keys ? [keys().then((list) => [name, list] as const)] : [])),
)
const { viewsEn } = await import('../../src/ui/words/views.en.ts')
const { ko } = await import('../../src/ui/words/ko.ts')

const VIEWS_FOLDER = join(import.meta.dirname, '../../src/ui/views')

test('every record stands in the folder of its name, and every folder with a record is listed', () => {
  const files = readdirSync(VIEWS_FOLDER, { recursive: true }).map(String)
  const folders = files.filter((file) => file.endsWith('/view.ts')).map((file) => dirname(file))
  expect(VIEWS.map(({ name }) => name).toSorted()).toEqual(folders.toSorted())
})

test('every list of keys in a folder is in the record beside it', () => {
  const files = readdirSync(VIEWS_FOLDER, { recursive: true }).map(String)
  const folders = files.filter((file) => file.endsWith('/keys.ts')).map((file) => dirname(file))
  expect(keyLists.map(([name]) => name).toSorted()).toEqual(folders.toSorted())
})

test.each(keyLists)('the keys of %s: one meaning each, in both languages', (_, list) => {
  expect(list).not.toEqual([])
  const pressed = list.flatMap(({ press }) => Object.keys(press ?? {}))
  expect(new Set(pressed).size).toBe(pressed.length)
  for (const { does } of list) {
    expect(viewsEn).toHaveProperty([does])
    expect(ko).toHaveProperty([does])
  }
})
