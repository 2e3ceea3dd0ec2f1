import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Folder, OpenFile } from '../../src/sources/kept/folder.ts'

/** A private file system on a real disk, which may be full. */
export interface FakeDisk {
  root: Folder
  path: string
  /** Bytes that may still be written; the next one over it throws as browsers do. */
  room: number
  remove(): void
}

const missing = (name: string): DOMException => new DOMException(`${name} is not there`, 'NotFoundError')

export function fakeDisk(): FakeDisk {
  const path = mkdtempSync(join(tmpdir(), 'tokenscope-disk-'))
  const disk: FakeDisk = {
    path,
    room: Infinity,
    root: null as unknown as Folder,
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
  disk.root = folderAt(path, disk)
  return disk
}

/** Files that have their one writer. */
const written = new Set<string>()

function inPlace(path: string, disk: FakeDisk): OpenFile {
  if (written.has(path)) throw new DOMException('The file has a writer', 'NoModificationAllowedError')
  written.add(path)
  const fd = openSync(path, 'r+')
  return {
    read: (into, { at }) => readSync(fd, into, 0, into.byteLength, at),
    write(bytes, { at }) {
      if (bytes.byteLength > disk.room) throw new DOMException('No room', 'QuotaExceededError')
      disk.room -= bytes.byteLength
      return writeSync(fd, bytes, 0, bytes.byteLength, at)
    },
    truncate: (size) => ftruncateSync(fd, size),
    getSize: () => fstatSync(fd).size,
    flush: () => undefined,
    close() {
      written.delete(path)
      closeSync(fd)
    },
  }
}

function fileAt(path: string, name: string, disk: FakeDisk): object {
  return {
    kind: 'file',
    name,
    // A blob of a file becomes unreadable when the file changes, as a browser's does.
    getFile: () => openAsBlob(path),
    createSyncAccessHandle: async () => inPlace(path, disk),
  }
}

function folderAt(path: string, disk: FakeDisk): Folder {
  const folder = {
    kind: 'directory',
    name: path,
    async getDirectoryHandle(name: string, { create = false } = {}) {
      const at = join(path, name)
      if (!existsSync(at)) {
        if (!create) throw missing(name)
        mkdirSync(at)
      }
      return folderAt(at, disk)
    },
    async getFileHandle(name: string, { create = false } = {}) {
      const at = join(path, name)
      if (!existsSync(at)) {
        if (!create) throw missing(name)
        closeSync(openSync(at, 'w'))
      }
      return fileAt(at, name, disk)
    },
    async removeEntry(name: string) {
      const at = join(path, name)
      if (!existsSync(at)) throw missing(name)
      rmSync(at, { recursive: true })
    },
    async *entries() {
      for (const name of readdirSync(path)) {
        const at = join(path, name)
        yield [name, statSync(at).isDirectory() ? folderAt(at, disk) : fileAt(at, name, disk)]
      }
    },
  }
  return folder as unknown as Folder
}
