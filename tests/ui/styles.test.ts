import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const UI = join(import.meta.dirname, '../../src/ui')
const files = readdirSync(UI, { recursive: true }).map((file) => String(file).replaceAll('\\', '/'))
const read = (file: string): string => readFileSync(join(UI, file), 'utf8')

const sheets = files.filter((file) => file.endsWith('.css') && file !== 'styles/index.css')
const index = read('styles/index.css')
const layerOf = new Map(
  [...index.matchAll(/@import '([^']+)'(?: layer\((\w+)\))?;/g)].map(([, file = '', layer]) => [
    file.startsWith('../') ? file.slice(3) : `styles/${file.slice(2)}`,
    layer,
  ]),
)
const code = files
  .filter((file) => /\.tsx?$/.test(file) && !/words/.test(file))
  .map(read)
  .join('\n')

test('every sheet lies in a layer: those of views in theirs, fonts in none', () => {
  expect([...layerOf.keys()].toSorted()).toEqual(sheets.toSorted())
  const odd = sheets.filter((file) => {
    if (file === 'styles/fonts.css') return layerOf.get(file) !== undefined
    return file.startsWith('views/') !== (layerOf.get(file) === 'views') || layerOf.get(file) === undefined
  })
  expect(odd).toEqual([])
})

test('no theme is written twice: colours of both lie in light-dark()', () => {
  const twice = sheets.filter((file) => /prefers-color-scheme/.test(read(file)))
  expect(twice).toEqual([])
})

test('every class that is styled is put on something', () => {
  const words = new Set(code.match(/[\w-]+/g))
  // What a template puts together counts by its beginning.
  const begun = [...code.matchAll(/([\w-]*)\$\{/g)].map(([, start = '']) => start).filter(Boolean)
  const isBegun = (name: string, start: string): boolean =>
    name.startsWith(start) && (start.endsWith('-') || /^\d+$/.test(name.slice(start.length)))
  const isUsed = (name: string): boolean => words.has(name) || begun.some((start) => isBegun(name, start))
  const classes = sheets.flatMap((file) =>
    [
      ...read(file)
        .replace(/\/\*[^]*?\*\//g, '')
        .matchAll(/\.(-?[a-zA-Z_][\w-]*)(?=[^{}]*\{)/g),
    ].map(([, name = '']) => name),
  )
  expect([...new Set(classes)].filter((name) => !isUsed(name))).toEqual([])
})
