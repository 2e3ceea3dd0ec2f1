import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vite'
import { plainWgsl } from './src/gpu/plainWgsl.ts'

const RAW = /\.wgsl\?raw$/

/** The built page carries its shaders without comments; `?raw&written` gives one as it stands in its file. */
export function plainShaders(): Plugin {
  return {
    name: 'plain-shaders',
    apply: 'build',
    enforce: 'pre',
    async load(id) {
      if (!RAW.test(id)) return null
      const text = await readFile(id.replace(/\?raw$/, ''), 'utf8')
      return { code: `export default ${JSON.stringify(plainWgsl(text))}`, moduleType: 'js' }
    },
  }
}
