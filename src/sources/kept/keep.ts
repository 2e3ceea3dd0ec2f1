import { throwIfAborted, TokenscopeError } from '../../errors.ts'
import type { FileSource } from '../../formats/tensors.ts'
import type { HubSource } from '../hub.ts'
import { spellHubAddress } from '../hubAddress.ts'
import { endpointOf, type HubFile } from '../hubApi.ts'
import { Download, type DownloadOptions } from './download.ts'
import { keptRoot, removeFile, type Folder } from './folder.ts'
import { commit, folderOf, keyOf, markUsed, readPart, type KeptModel } from './record.ts'
import { findKept, lockOf, modelKey } from './storage.ts'

/** Room that is left to others of the origin. */
const SPARE_BYTES = 16 * 1024 * 1024

export interface KeepRequest extends DownloadOptions {
  readonly hub: HubSource
  /** The GGUF file; null for other layouts. */
  readonly file: string | null
  /** Names of the files to keep. */
  readonly files: readonly string[]
}

/** Null where the browser keeps nothing: the model is then read where it lies. */
export async function keepModel(request: KeepRequest, root?: Folder): Promise<FileSource | null> {
  const at = root ?? (await keptRoot())
  if (at === null) return null
  const { hub, file } = request
  const model = await describe(request)
  const key = keyOf(model)
  return exclusively(lockOf(key), request.signal, async () => {
    const address = { ...hub.address, file: file ?? undefined }
    // Another tab may have been at it meanwhile.
    const kept = await findKept(address, hub.hub, at)
    if (kept) return kept
    const folder = await folderOf(at, key)
    await checkRoom(folder, model)
    try {
      await new Download(folder, hub, model, request).run()
      await commit(folder, model, Date.now())
    } catch (error) {
      // A part that left no room for itself must not keep others out.
      if (isFull(error)) await removeFile(at, key)
      throw error
    }
    await markUsed(folder, Date.now())
    return findKept(address, hub.hub, at)
  })
}

const isFull = (error: unknown): boolean =>
  error instanceof TokenscopeError && error.code === 'storage' && error.details['full'] === true

async function describe({ hub, file, files }: KeepRequest): Promise<KeptModel> {
  const repository = await hub.repository()
  const { address } = hub
  return {
    model: modelKey(address, hub.hub),
    file,
    source: spellHubAddress({ ...address, file: file ?? undefined }),
    label: hub.label,
    endpoint: endpointOf(hub.hub),
    id: address.id,
    commit: repository?.commit ?? address.revision,
    license: repository?.license ?? null,
    gated: repository?.gated ?? false,
    baseModels: repository?.baseModels ?? [],
    files: await Promise.all(files.map((name) => fileOf(hub, repository?.files, name))),
  }
}

async function fileOf(
  hub: HubSource,
  listed: readonly HubFile[] | undefined,
  name: string,
): Promise<HubFile> {
  const listedFile = listed?.find((file) => file.name === name)
  if (listedFile) return listedFile
  const bytes = await hub.size(name)
  if (bytes === null)
    throw new TokenscopeError(
      'network',
      `${hub.label}: the size of ${name} is not told, so it cannot be kept.`,
      {
        hint: 'Load it without keeping it.',
        details: { file: name, field: 'size', got: null, expected: 'a number of bytes' },
      },
    )
  const version = (await hub.version?.(name)) ?? ''
  // Entity tags of hubs are the content's hash.
  const sha256 = /^[0-9a-f]{64}$/.test(version) ? version : null
  return { name, bytes, sha256, oid: /^[0-9a-f]{40}$/.test(version) ? version : null }
}

/** @throws `storage` when the browser would not have room for what is still to come. */
async function checkRoom(folder: Folder, { label, files }: KeptModel): Promise<void> {
  const storage = typeof navigator === 'undefined' ? undefined : navigator.storage
  const { quota, usage } = (await storage?.estimate()) ?? {}
  if (quota === undefined || usage === undefined) return
  const part = await readPart(folder)
  const have = Object.values(part?.done ?? {}).flat()
  const missing =
    files.reduce((sum, { bytes }) => sum + bytes, 0) - have.reduce((sum, bytes) => sum + bytes, 0)
  const room = quota - usage
  if (missing + SPARE_BYTES <= room) return
  const mb = (bytes: number): string => `${Math.max(0, Math.round(bytes / 1e6))} MB`
  throw new TokenscopeError(
    'storage',
    `${label} needs ${mb(missing)} more; the browser has room for ${mb(room)} here.`,
    {
      hint: 'Remove models from the storage list, or run it without keeping it.',
      details: { full: true, got: room, expected: missing },
    },
  )
}

/** Runs when no other tab holds the lock. A tab that dies lets go of it. */
async function exclusively<T>(
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | undefined)
  if (!locks) return work()
  try {
    return await locks.request(name, signal ? { signal } : {}, work)
  } catch (cause) {
    throwIfAborted(signal)
    throw cause
  }
}
