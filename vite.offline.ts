import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const read = (name: string): string => readFileSync(new URL(`src/offline/${name}`, import.meta.url), 'utf8')

/** Source maps are for those who look; a page without a connection needs none. */
const isKept = (name: string): boolean => !name.endsWith('.map')

/** Writes into the built page what closes its policy, and the service worker with the list of all files of this build. */
export function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: './policy.js' }, injectTo: 'head-prepend' }],
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'policy.js', source: read('policy.js') })
    },
    writeBundle({ dir = 'dist' }) {
      const assets = readdirSync(join(dir, 'assets')).filter(isKept).sort()
      const files = ['./', 'models.json', 'policy.js', ...assets.map((name) => `assets/${name}`)]
      const page = readFileSync(join(dir, 'index.html'), 'utf8')
      const version = createHash('sha256').update(page).update(files.join('\n')).digest('hex').slice(0, 16)
      const head = `const VERSION = ${JSON.stringify(version)}\nconst FILES = ${JSON.stringify(files)}\n`
      writeFileSync(join(dir, 'sw.js'), head + read('serviceWorker.js'))
    },
  }
}
