import { TokenscopeError } from '../../../../errors.ts'
import { parseCurve, type Curve } from './curve.ts'
import type { RunCheckpoint } from './checkpoints.ts'
import { parseSettings, type Objective, type RunSettings } from './settings.ts'

/** Folder of the browser's private file system that holds runs, one folder each. */
const ROOT = 'tokenscope-training'
const RUN = 'run.json'

/** What a run is, beside its curve. */
export interface RunInfo {
  id: string
  /** Of the adapter. */
  name: string
  /** Id of the model it was trained on. */
  model: string
  /** Format of the model's weights. */
  weights: string
  /** What its data was called; empty for pasted text. */
  data: string
  /** Name of the page's data set; null for other data. */
  set: string | null
  /** Stands for the examples it learned from: others are no continuation of it. */
  examples: string
  objective: Objective
  /** Step after which this optimiser began: that of the checkpoint the run went on from. */
  from: number
  /** Milliseconds since 1970. */
  startedAt: number
  settings: RunSettings
}

/** A run as it outlives a reload. */
export interface KeptRun {
  info: RunInfo
  curve: Curve
  checkpoints: readonly RunCheckpoint[]
  /** Text of the data; null where it was too long to keep. */
  text: string | null
  /** Step after which its optimiser's moments are kept; null where they are not. */
  moments: number | null
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A run of an earlier visit; null for what is none. */
export function parseKeptRun(saved: unknown): KeptRun | null {
  if (!isObject(saved) || !isObject(saved['info']) || !Array.isArray(saved['checkpoints'])) return null
  const { id, name, model, weights, data, set, examples, objective, from, startedAt, settings } =
    saved['info']
  if (typeof id !== 'string' || typeof name !== 'string' || typeof model !== 'string') return null
  const checkpoints = (saved['checkpoints'] as unknown[]).filter(
    (one): one is RunCheckpoint =>
      isObject(one) &&
      Number.isInteger(one['steps']) &&
      Array.isArray(one['norms']) &&
      Array.isArray(one['lens']) &&
      isObject(one['sample']),
  )
  return {
    info: {
      id,
      name,
      model,
      weights: typeof weights === 'string' ? weights : '',
      data: typeof data === 'string' ? data : '',
      set: typeof set === 'string' ? set : null,
      examples: typeof examples === 'string' ? examples : '',
      objective: objective === 'dpo' ? 'dpo' : 'likelihood',
      from: typeof from === 'number' ? from : 0,
      startedAt: typeof startedAt === 'number' ? startedAt : 0,
      settings: parseSettings(settings),
    },
    curve: parseCurve(saved['curve']),
    checkpoints,
    text: typeof saved['text'] === 'string' ? saved['text'] : null,
    moments: typeof saved['moments'] === 'number' ? saved['moments'] : null,
  }
}

/** The folder of all runs; null where the browser has none, or cannot write to it from a page. */
async function rootFolder(): Promise<FileSystemDirectoryHandle | null> {
  const writes =
    typeof FileSystemFileHandle !== 'undefined' && 'createWritable' in FileSystemFileHandle.prototype
  if (!writes || typeof navigator.storage?.getDirectory !== 'function') return null
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true })
  } catch (cause) {
    if (cause instanceof DOMException) return null
    throw cause
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof DOMException && cause.name === 'NotFoundError'

async function readText(folder: FileSystemDirectoryHandle, name: string): Promise<string | null> {
  try {
    return await (await (await folder.getFileHandle(name)).getFile()).text()
  } catch (cause) {
    if (isMissing(cause)) return null
    throw cause
  }
}

/** A file appears whole once its writer closes: what is cut off leaves the one before. */
async function writeFile(folder: FileSystemDirectoryHandle, name: string, content: BlobPart): Promise<void> {
  const writer = await (await folder.getFileHandle(name, { create: true })).createWritable()
  await writer.write(new Blob([content]))
  await writer.close()
}

function refuse(what: string, cause: unknown): TokenscopeError {
  const full = cause instanceof DOMException && cause.name === 'QuotaExceededError'
  const why = full ? 'the browser has no room left' : cause instanceof Error ? cause.message : String(cause)
  return new TokenscopeError('storage', `${what}: ${why}.`, {
    hint: 'Training goes on; export the adapter to keep it, or remove earlier runs.',
    details: { full },
    cause,
  })
}

/** Files of a checkpoint by name, as `exportAdapter` gives them. */
export type AdapterFiles = Map<string, Uint8Array>

/** A checkpoint as it is kept: the adapter, and what its optimiser goes on from, where that is known. */
export interface NewestCheckpoint {
  steps: number
  files: AdapterFiles
  moments: Uint8Array | null
}

/** Where each file of a checkpoint is kept. */
const fileName = (steps: number, name: string): string => `${steps}-${name}`
/** Where the moments after a step are: no file of a checkpoint begins like that. */
const momentsName = (steps: number): string => `moments-${steps}.safetensors`

/** Keeps runs in the browser's private file system, where there is one. */
export class KeptRuns {
  /** Runs of earlier visits, newest first. What cannot be read is passed over. */
  async list(): Promise<readonly KeptRun[]> {
    const root = await rootFolder()
    if (root === null) return []
    const runs: KeptRun[] = []
    // The lib's types lack the iterator that every browser with a private file system has.
    const entries = (root as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()
    for await (const entry of entries) {
      if (entry.kind !== 'directory') continue
      const text = await readText(entry as FileSystemDirectoryHandle, RUN)
      const run = text === null ? null : parseKeptRun(parse(text))
      if (run !== null) runs.push(run)
    }
    return runs.sort((a, b) => b.info.startedAt - a.info.startedAt)
  }

  /**
   * Keeps a run as it stands, and its newest checkpoint; moments only of that one. False where nothing can be kept. @throws `storage`
   */
  async save(run: KeptRun, { steps, files, moments }: NewestCheckpoint): Promise<boolean> {
    const root = await rootFolder()
    if (root === null) return false
    try {
      const folder = await root.getDirectoryHandle(run.info.id, { create: true })
      for (const [name, bytes] of files) await writeFile(folder, fileName(steps, name), bytes as BlobPart)
      if (moments) await writeFile(folder, momentsName(steps), moments as BlobPart)
      await writeFile(folder, RUN, JSON.stringify(run))
    } catch (cause) {
      throw refuse('The checkpoint could not be kept', cause)
    }
    return true
  }

  /** Keeps what has become known of a run. False where nothing can be kept. @throws `storage` */
  note(run: KeptRun): Promise<boolean> {
    return this.save(run, { steps: 0, files: new Map(), moments: null })
  }

  /** Files of a kept checkpoint; null when they are gone. */
  async files(id: string, steps: number): Promise<AdapterFiles | null> {
    const folder = await (await rootFolder())?.getDirectoryHandle(id)
    if (!folder) return null
    const files: AdapterFiles = new Map()
    const entries = (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()
    for await (const entry of entries) {
      const name = entry.name.startsWith(fileName(steps, '')) ? entry.name.slice(`${steps}-`.length) : null
      if (name === null || entry.kind !== 'file') continue
      const file = await (entry as FileSystemFileHandle).getFile()
      files.set(name, new Uint8Array(await file.arrayBuffer()))
    }
    return files.size === 0 ? null : files
  }

  /** Moments after a step of a kept run; null when they are gone. */
  async moments(id: string, steps: number): Promise<Uint8Array | null> {
    const folder = await (await rootFolder())?.getDirectoryHandle(id)
    if (!folder) return null
    try {
      const file = await (await folder.getFileHandle(momentsName(steps))).getFile()
      return new Uint8Array(await file.arrayBuffer())
    } catch (cause) {
      if (isMissing(cause)) return null
      throw cause
    }
  }

  /** Removes the files of checkpoints that are no longer among those of a run, and moments of any step but one. */
  async prune(id: string, kept: readonly number[], moments: number | null): Promise<void> {
    const folder = await (await rootFolder())?.getDirectoryHandle(id)
    if (!folder) return
    const names: string[] = []
    const entries = (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()
    for await (const { name } of entries) names.push(name)
    const isKept = (name: string): boolean =>
      name === RUN ||
      (moments !== null && name === momentsName(moments)) ||
      kept.some((steps) => name.startsWith(fileName(steps, '')))
    for (const name of names) if (!isKept(name)) await folder.removeEntry(name)
  }

  async remove(id: string): Promise<void> {
    try {
      await (await rootFolder())?.removeEntry(id, { recursive: true })
    } catch (cause) {
      if (!isMissing(cause)) throw refuse('The run could not be removed', cause)
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    if (cause instanceof SyntaxError) return null
    throw cause
  }
}
