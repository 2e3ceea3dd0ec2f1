import type { Model } from '../api/model.ts'
import type { NamedScale } from './adapterScales.ts'

/** A file of a chosen folder knows its way; a single one has its name. */
const pathOf = (file: File): string => file.webkitRelativePath || file.name

/** What dropped files are called: their folder, their archive, else nothing. */
export function nameOfFiles(files: readonly File[]): string | null {
  const [file] = files
  const folder = file === undefined ? undefined : pathOf(file).split('/').at(-2)
  if (folder) return folder
  const archive = files.length === 1 ? /^(.+)\.zip$/i.exec(file?.name ?? '')?.[1] : undefined
  return archive ?? null
}

export interface PackedFile {
  name: string
  blob: Blob
}

/** What acts as a file to keep: an adapter for PEFT or for llama.cpp, or the model with all of it folded in. */
export async function packExport(
  model: Model,
  scales: readonly NamedScale[],
  format: 'peft' | 'gguf' | 'merged',
): Promise<PackedFile> {
  const files = await model.exportAdapter(scales, { format })
  const name = stem(scales.map(({ name, scale }) => `${name}-x${scale.toFixed(2)}`).join('+'))
  const [only] = files.values()
  if (format === 'gguf' && only)
    return { name: `${name}.gguf`, blob: new Blob([only as Uint8Array<ArrayBuffer>]) }
  return packFiles(files, format === 'peft' ? name : `${model.info.id}-${name}`)
}

const stem = (name: string): string => name.replace(/[^\p{L}\p{N}.+-]+/gu, '-')

/** Names of what an exported file is made of, as its name says; none for other names. */
export const partsOfExport = (name: string): string[] =>
  name.split('+').flatMap((part) => /^(.+)-x-?\d+\.\d\d/.exec(part)?.[1] ?? [])

/** True for two spellings of an adapter's name, one of them that of a file. */
export const sameStem = (a: string, b: string): boolean => stem(a) === stem(b)

/** One download for exported files: a single one as it is, several in a zip archive. */
export async function packFiles(files: ReadonlyMap<string, Uint8Array>, name: string): Promise<PackedFile> {
  const [only] = files
  if (files.size === 1 && only !== undefined) {
    const ending = only[0].slice(only[0].lastIndexOf('.'))
    return { name: `${name}${ending}`, blob: new Blob([only[1] as BlobPart]) }
  }
  const { zipSync } = await import('fflate')
  // Weights do not compress: stored as they are, packing takes no time.
  const packed = zipSync(Object.fromEntries(files), { level: 0 })
  return { name: `${name}.zip`, blob: new Blob([packed], { type: 'application/zip' }) }
}
