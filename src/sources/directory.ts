import { TokenscopeError } from '../errors.ts'
import type { FileSource } from '../formats/tensors.ts'
import { blobSource } from './blobs.ts'

/** A folder the person picked (File System Access API) or one in the origin's private file system. */
export function directorySource(directory: FileSystemDirectoryHandle): FileSource {
  const open = async (name: string): Promise<File | null> => {
    const folders = name.split('/')
    const file = folders.pop() ?? ''
    try {
      let at = directory
      for (const folder of folders) at = await at.getDirectoryHandle(folder)
      return await (await at.getFileHandle(file)).getFile()
    } catch (cause) {
      if (
        cause instanceof DOMException &&
        (cause.name === 'NotFoundError' || cause.name === 'TypeMismatchError')
      )
        return null
      throw new TokenscopeError('storage', `${directory.name}/${name} cannot be opened.`, {
        hint: 'Give the page access to the folder again.',
        details: { file: name },
        cause,
      })
    }
  }
  const list = async (): Promise<string[]> => {
    const names: string[] = []
    for await (const [name, handle] of directory.entries()) {
      if (handle.kind === 'file') names.push(name)
    }
    return names
  }
  return blobSource({ label: directory.name, open, list })
}
