import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+\.tsx?)'/g

const files = readdirSync(join(ROOT, 'src'), { recursive: true })
  .map((file) => `src/${String(file).replaceAll('\\', '/')}`)
  .filter((file) => /\.tsx?$/.test(file))

/** What counts as one place: a folder of src, of src/ui and of src/ui/views; a file beside them is a place of its own. */
function placeOf(file: string): string {
  const parts = file.split('/')
  // The words of all views make up one catalogue, which is typed by them.
  if (/^src\/ui\/.*\.(en|ko)\.ts$/.test(file)) return 'src/ui/words'
  const depth = parts[1] !== 'ui' ? 2 : parts[2] !== 'views' ? 3 : 4
  return parts.length > depth ? parts.slice(0, depth).join('/') : file
}

/** Places that a place imports from, types too, now or on demand. */
const arrows = new Map<string, Set<string>>()
for (const file of files) {
  const from = placeOf(file)
  for (const [, spec = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)) {
    const to = placeOf(posix.join(posix.dirname(file), spec))
    if (to !== from) arrows.set(from, (arrows.get(from) ?? new Set()).add(to))
  }
}

function reachable(start: string): Set<string> {
  const seen = new Set<string>()
  const next = [start]
  for (let place = next.pop(); place !== undefined; place = next.pop()) {
    for (const to of arrows.get(place) ?? []) {
      if (seen.has(to)) continue
      seen.add(to)
      next.push(to)
    }
  }
  return seen
}

test('no two folders import each other, not even by way of others', () => {
  const around = [...arrows.keys()].filter((place) => reachable(place).has(place))
  const between = around.flatMap((from) =>
    [...(arrows.get(from) ?? [])].filter((to) => reachable(to).has(from)).map((to) => `${from} → ${to}`),
  )
  expect(between).toEqual([])
})

test('no file is longer than 400 lines', () => {
  const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 401)
  expect(long).toEqual([])
})
