import { TokenscopeError } from '../../errors.ts'
import type { HubFile } from '../hubApi.ts'
import { fileNameOf, nameOfFile, readFile, readJson, writeFile, type Folder } from './folder.ts'

/** Written last: a folder without it holds the part of a download. */
const RECORD = 'record.json'
const PART = 'part.json'
const USED = 'used.json'
const VERSION = 1

/** What a kept model is and was fetched from. */
export interface KeptModel {
  /** `owner/name[@revision]`, with the hub before it where that is not the usual one; names the folder with `file`. */
  readonly model: string
  /** The GGUF file; null for other layouts. */
  readonly file: string | null
  /** What `loadModel` takes. */
  readonly source: string
  /** As `ModelInfo.id` has it. */
  readonly label: string
  readonly endpoint: string
  readonly id: string
  readonly commit: string
  readonly license: string | null
  readonly gated: boolean
  readonly baseModels: readonly string[]
  readonly files: readonly HubFile[]
}

export interface KeptRecord extends KeptModel {
  readonly version: typeof VERSION
  /** Milliseconds since 1970. */
  readonly keptAt: number
}

/** How far a download has come: of each file the bytes of each chunk, and what they are pieces of. */
export interface KeptPart {
  readonly model: KeptModel
  readonly chunkBytes: number
  readonly done: Readonly<Record<string, readonly number[]>>
}

export const keyOf = ({ model, file }: Pick<KeptModel, 'model' | 'file'>): string =>
  file === null ? model : `${model}/${file}`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The commit record; null while there is none, or one of another version. */
export async function readRecord(folder: Folder): Promise<KeptRecord | null> {
  const value = await readJson(folder, RECORD)
  return isRecord(value) && value['version'] === VERSION && Array.isArray(value['files'])
    ? (value as unknown as KeptRecord)
    : null
}

/** True when every file is there in its full length. */
export async function isWhole(folder: Folder, { files }: KeptModel): Promise<boolean> {
  const sizes = await Promise.all(files.map(async ({ name }) => (await readFile(folder, name))?.size))
  return files.every(({ bytes }, i) => sizes[i] === bytes)
}

export async function readPart(folder: Folder): Promise<KeptPart | null> {
  const value = await readJson(folder, PART)
  return isRecord(value) && isRecord(value['model']) && isRecord(value['done'])
    ? (value as unknown as KeptPart)
    : null
}

export const writePart = (folder: Folder, part: KeptPart): Promise<void> =>
  writeFile(folder, PART, JSON.stringify(part))

/** Makes a whole download a kept model. */
export async function commit(folder: Folder, model: KeptModel, now: number): Promise<KeptRecord> {
  const record: KeptRecord = { ...model, version: VERSION, keptAt: now }
  await writeFile(folder, RECORD, JSON.stringify(record))
  await folder.removeEntry(fileNameOf(PART)).catch(() => undefined)
  return record
}

/** Digests of a file's blocks, one after the other. */
const blocksName = (name: string): string => `${name}\u0000blocks`

export const writeBlocks = (folder: Folder, name: string, digests: Uint8Array): Promise<void> =>
  writeFile(folder, blocksName(name), digests)

export async function readBlocks(folder: Folder, name: string): Promise<Uint8Array | null> {
  const file = await readFile(folder, blocksName(name))
  return file && new Uint8Array(await file.arrayBuffer())
}

export async function markUsed(folder: Folder, now: number): Promise<void> {
  try {
    await writeFile(folder, USED, JSON.stringify({ at: now }))
  } catch (error) {
    // Another tab notes the same, or there is no room: a model must not fail to open for it.
    if (!(error instanceof TokenscopeError)) throw error
  }
}

export async function lastUsed(folder: Folder): Promise<number | null> {
  const value = await readJson(folder, USED)
  return isRecord(value) && typeof value['at'] === 'number' ? value['at'] : null
}

/** Every folder among the kept ones, by its key. */
export async function keptFolders(root: Folder): Promise<{ key: string; folder: Folder }[]> {
  const folders: { key: string; folder: Folder }[] = []
  for await (const [name, handle] of root.entries())
    if (handle.kind === 'directory') folders.push({ key: nameOfFile(name), folder: handle })
  return folders
}

export const folderOf = (root: Folder, key: string): Promise<Folder> =>
  root.getDirectoryHandle(fileNameOf(key), { create: true })
