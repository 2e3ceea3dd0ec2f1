import { plainWgsl } from '../gpu/plainWgsl.ts'
import type { ShaderSource } from '../gpu/shader.ts'

/** The shaders as their authors wrote them. The page compiles them without comments; what it shows is read with them. */
const FILES = import.meta.glob<string>('../../shaders/**/*.wgsl', {
  query: '?raw&written',
  import: 'default',
  eager: true,
})

const written = new Map(Object.values(FILES).map((text) => [plainWgsl(text), text]))

/** The same kernel of the files as they are written. */
export function asWritten({ files, ...source }: ShaderSource): ShaderSource {
  return {
    ...source,
    files: files.map(({ name, text }) => ({ name, text: written.get(plainWgsl(text)) ?? text })),
  }
}
