import { TokenscopeError } from '../../errors.ts'
import { percentDecoded } from '../percentDecoded.ts'

/** Folder of the browser's private file system that holds kept models, one folder each. */
const ROOT = 'tokenscope-models'

/** The lib's types lack the iterator that every browser with a private file system has. */
export type Folder = FileSystemDirectoryHandle

/** A file that a worker reads and writes in place. */
export interface OpenFile {
  read(into: Uint8Array, options: { at: number }): number
  write(bytes: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  getSize(): number
  flush(): void
  close(): void
}

/** A file's handle as workers have it. */
interface WorkerFile {
  createSyncAccessHandle(): Promise<OpenFile>
}

/** Any name as one that a file system takes. */
export const fileNameOf = (name: string): string => encodeURIComponent(name).replaceAll('*', '%2A')
export const nameOfFile = (fileName: string): string => percentDecoded(fileName)

/** True where files can be kept and written in place: in a worker of a browser that has a private file system. */
export function canKeep(): boolean {
  const inPlace =
    typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype
  return inPlace && typeof navigator !== 'undefined' && typeof navigator.storage?.getDirectory === 'function'
}

/** The folder of all kept models; null where the browser denies it, as private windows may. */
export async function keptRoot(): Promise<Folder | null> {
  if (typeof navigator === 'undefined' || typeof navigator.storage?.getDirectory !== 'function') return null
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true })
  } catch (cause) {
    if (cause instanceof DOMException) return null
    throw cause
  }
}

/** True for what a file system throws when a file or folder is not there. */
export function isMissing(cause: unknown): boolean {
  return (
    cause instanceof DOMException && (cause.name === 'NotFoundError' || cause.name === 'TypeMismatchError')
  )
}

/** @throws `storage` when another tab writes to it, or there is no room for it. */
export async function openInPlace(folder: Folder, name: string): Promise<OpenFile> {
  try {
    const handle = await folder.getFileHandle(fileNameOf(name), { create: true })
    return await (handle as unknown as WorkerFile).createSyncAccessHandle()
  } catch (cause) {
    throw writeFailure(name, cause)
  }
}

/** The content of a file as it is now; null when there is none. */
export async function readFile(folder: Folder, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(fileNameOf(name))).getFile()
  } catch (cause) {
    if (isMissing(cause)) return null
    throw unreadable(name, cause)
  }
}

export function unreadable(name: string, cause: unknown): TokenscopeError {
  return new TokenscopeError('storage', `The kept file ${name} cannot be read.`, {
    hint: 'Remove the model from the storage list and download it again.',
    details: { file: name },
    cause,
  })
}

/** A JSON file; null when it is not there or was cut off while it was written. */
export async function readJson(folder: Folder, name: string): Promise<unknown> {
  const file = await readFile(folder, name)
  if (file === null) return null
  try {
    return JSON.parse(await file.text())
  } catch (cause) {
    if (cause instanceof SyntaxError) return null
    throw unreadable(name, cause)
  }
}

/** Writes a small file whole. */
export async function writeFile(folder: Folder, name: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const file = await openInPlace(folder, name)
  try {
    file.truncate(0)
    file.write(bytes, { at: 0 })
    file.flush()
  } catch (cause) {
    throw writeFailure(name, cause)
  } finally {
    file.close()
  }
}

/** What a failed write means. */
export function writeFailure(name: string, cause: unknown): unknown {
  if (cause instanceof TokenscopeError || !(cause instanceof DOMException)) return cause
  const full = cause.name === 'QuotaExceededError'
  const what = full ? 'the browser has no room left for it' : cause.message
  return new TokenscopeError('storage', `${name} could not be kept: ${what}.`, {
    hint: 'Remove models from the storage list, or run it without keeping it.',
    details: { file: name, full },
    cause,
  })
}

export async function removeFile(folder: Folder, name: string): Promise<void> {
  try {
    await folder.removeEntry(fileNameOf(name), { recursive: true })
  } catch (cause) {
    if (isMissing(cause)) return
    throw new TokenscopeError('storage', `${name} cannot be removed now.`, {
      hint: 'Another tab may be using it: close that one first.',
      details: { file: name },
      cause,
    })
  }
}
