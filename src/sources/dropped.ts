import { TokenscopeError } from '../errors.ts'
import type { FileSource } from '../formats/tensors.ts'
import { blobSource } from './blobs.ts'

/** The files under the folder that holds config.json, the shallowest one; all files when none does. Keys lose that folder. */
function underModelFolder<T>(files: ReadonlyMap<string, T>): Map<string, T> {
  const depth = (path: string): number => path.split('/').length
  const configs = [...files.keys()].filter((path) => /(^|\/)(adapter_)?config\.json$/.test(path))
  const config = configs.sort((a, b) => depth(a) - depth(b))[0]
  if (config === undefined)
    return new Map([...files].map(([path, file]) => [path.slice(path.lastIndexOf('/') + 1), file]))
  const folder = config.slice(0, config.lastIndexOf('/') + 1)
  return new Map(
    [...files]
      .filter(([path]) => path.startsWith(folder))
      .map(([path, file]) => [path.slice(folder.length), file]),
  )
}

/** Files by name. */
export function mapSource(files: ReadonlyMap<string, Blob | Uint8Array>, label = 'files'): FileSource {
  const inside = underModelFolder(files)
  return blobSource({
    label,
    open: async (name) => inside.get(name) ?? null,
    list: async () => [...inside.keys()],
  })
}

/** Dropped files, or a folder chosen through a file input (its paths in `webkitRelativePath`). */
export function filesSource(files: readonly File[]): FileSource {
  if (files.length === 0) {
    throw new TokenscopeError('bad-argument', 'No files were given.', {
      hint: 'Choose the folder of a model: config.json, the weights and the tokenizer.',
    })
  }
  const named = new Map(files.map((file) => [file.webkitRelativePath || file.name, file]))
  const folder = files[0]?.webkitRelativePath?.split('/')[0]
  return mapSource(named, folder || (files.length === 1 ? (files[0]?.name ?? '') : 'dropped files'))
}
