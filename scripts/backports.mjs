import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aptInstall, canUseApt } from './apt.mjs'
import { run, runMain, say } from './run.mjs'
import { findLavapipe } from './vulkan.mjs'

const SOURCES = '/etc/apt/sources.list.d'
const OURS = join(SOURCES, 'tokenscope-backports.list')

/** @returns {{ id: string, codename: string }} of this system */
function readRelease() {
  const text = readFileSync('/etc/os-release', 'utf8')
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? ''
  return { id: field('ID'), codename: field('VERSION_CODENAME') }
}

/** Contents of the package sources this system already uses. */
function readSources() {
  const listed = existsSync(SOURCES) ? readdirSync(SOURCES).map((name) => join(SOURCES, name)) : []
  return ['/etc/apt/sources.list', ...listed]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
}

/**
 * The mirror and key of the system's main suite, from one-line or stanza sources.
 * @param {readonly string[]} sources @param {string} codename
 */
function findMirror(sources, codename) {
  for (const stanza of sources.flatMap((text) => text.split(/\n\s*\n/))) {
    const field = (name) => new RegExp(`^${name}:\\s*(\\S.*)$`, 'm').exec(stanza)?.[1]?.trim()
    if (field('Suites')?.split(/\s+/).includes(codename)) {
      const uri = field('URIs')?.split(/\s+/)[0]
      if (uri) return { uri, key: field('Signed-By') }
    }
    const line = new RegExp(`^deb\\s+(?:\\[([^\\]]*)\\]\\s+)?(\\S+)\\s+${codename}\\s`, 'm').exec(stanza)
    if (line?.[2]) return { uri: line[2], key: /signed-by=(\S+)/.exec(line[1] ?? '')?.[1] }
  }
  return null
}

/** Installs a lavapipe new enough for the GPU tests from Debian's backports, where one is needed and can be had. */
await runMain(async () => {
  if (!canUseApt() || findLavapipe()) return
  const { id, codename } = readRelease()
  if (await aptInstall(['mesa-vulkan-drivers', 'libvulkan1'])) {
    if (findLavapipe()) return
  }
  if (id !== 'debian' || !codename) return
  const sources = readSources()
  const suite = `${codename}-backports`
  if (!sources.some((text) => text.includes(suite))) {
    const mirror = findMirror(sources, codename)
    if (!mirror) return say('The mirror of this system was not recognised: no backports.')
    const key = mirror.key ? `[signed-by=${mirror.key}] ` : ''
    writeFileSync(OURS, `deb ${key}${mirror.uri} ${suite} main\n`)
    await run('apt-get', ['update', '-qq'])
  }
  await aptInstall(['mesa-vulkan-drivers'], ['-t', suite])
  if (!findLavapipe()) say('Backports gave no lavapipe of Mesa 23 or newer.')
})
