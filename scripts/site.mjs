import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { root, runTool, say, SetupError } from './run.mjs'

const SOURCES = ['index.html', 'package.json', 'package-lock.json', 'src', 'shaders', 'public']
const STAMP = `${root}.cache/built`

/** The built page and library. */
export const dist = `${root}dist`

/** @param {string} path relative to the root @returns {string[]} one line per file: path, size and date */
function describe(path) {
  const stat = statSync(`${root}${path}`, { throwIfNoEntry: false })
  if (!stat) return []
  if (!stat.isDirectory()) return [`${path} ${stat.size} ${stat.mtimeMs}`]
  return readdirSync(`${root}${path}`)
    .sort()
    .flatMap((name) => describe(`${path}/${name}`))
}

/** Changes whenever a file that goes into `dist` is added, removed or changed. */
function fingerprint() {
  const configs = readdirSync(root).filter((name) => /^(vite|tsconfig).*\.(ts|json)$/.test(name))
  const lines = [...SOURCES, ...configs.sort()].flatMap(describe)
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** Builds the page, the library and its types into `dist`. */
export async function build() {
  rmSync(STAMP, { force: true })
  const before = fingerprint()
  const steps = [
    { what: 'the page', entry: 'vite/bin/vite.js', args: ['build', '--logLevel', 'warn'] },
    {
      what: 'the library',
      entry: 'vite/bin/vite.js',
      args: ['build', '--config', 'vite.lib.config.ts', '--logLevel', 'warn'],
    },
    { what: 'its types', entry: 'typescript/bin/tsc', args: ['-p', 'tsconfig.lib.json'] },
  ]
  for (const { what, entry, args } of steps) {
    say(`Building ${what} …`)
    const code = await runTool(entry, args)
    if (code !== 0)
      throw new SetupError(`Building ${what} failed.`, 'The lines above name the file and the fault.')
  }
  mkdirSync(`${root}.cache`, { recursive: true })
  writeFileSync(STAMP, before)
}

/** Builds only when `dist` is missing or a source has changed since. */
export async function buildIfStale() {
  const complete = ['index.html', 'lib/index.js', 'lib/index.d.ts', 'lib/analysis.js'].every((file) =>
    existsSync(`${dist}/${file}`),
  )
  if (complete && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint()) return
  await build()
}
