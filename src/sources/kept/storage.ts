import { TokenscopeError } from '../../errors.ts'
import { hubSource } from '../hub.ts'
import { DEFAULT_ENDPOINT, spellHubAddress, type HubAddress } from '../hubAddress.ts'
import { endpointOf } from '../hubApi.ts'
import type { HubOptions } from '../../api/load.ts'
import type { StoredModel } from '../../api/source.ts'
import type { FileSource } from '../../formats/tensors.ts'
import { canKeep, keptRoot, removeFile, type Folder } from './folder.ts'
import {
  folderOf,
  isWhole,
  keptFolders,
  lastUsed,
  markUsed,
  readPart,
  readRecord,
  type KeptModel,
  type KeptRecord,
} from './record.ts'
import { KeptFile, keptSource } from './source.ts'

/** Holds the lock of a model that is being written; another tab waits for it. */
export const lockOf = (model: string): string => `tokenscope-keep:${model}`

/** How folders call a model: by its id and revision, and by the hub where that is not the usual one. */
export function modelKey({ id, revision }: HubAddress, hub: HubOptions | undefined): string {
  const endpoint = endpointOf(hub)
  const address = spellHubAddress({ id, revision, file: undefined })
  return endpoint === DEFAULT_ENDPOINT ? address : `${endpoint}/${address}`
}

/** Where the bytes of a kept model can be had again, at the commit it was kept from. */
function originOf(model: KeptModel, hub: HubOptions | undefined): FileSource {
  const token = hub && endpointOf(hub) === model.endpoint ? hub.token : undefined
  return hubSource(
    { id: model.id, revision: model.commit, file: undefined },
    { endpoint: model.endpoint, token },
  )
}

interface RecordedFolder {
  readonly folder: Folder
  readonly record: KeptRecord
}

async function findRecord(
  root: Folder,
  address: HubAddress,
  hub: HubOptions | undefined,
): Promise<RecordedFolder | null> {
  const key = modelKey(address, hub)
  let best: (RecordedFolder & { at: number }) | null = null
  for (const { folder } of await keptFolders(root)) {
    const record = await readRecord(folder)
    if (record?.model !== key || (address.file !== undefined && record.file !== address.file)) continue
    const at = (await lastUsed(folder)) ?? record.keptAt
    if (at > (best?.at ?? -1) && (await isWhole(folder, record))) best = { folder, record, at }
  }
  return best
}

/** The kept model of an address as a folder, null when it is not kept. Nothing is asked of the network. */
export async function findKept(
  address: HubAddress,
  hub: HubOptions | undefined,
  root?: Folder,
): Promise<FileSource | null> {
  const at = root ?? (await keptRoot())
  const kept = at && (await findRecord(at, address, hub))
  if (!kept) return null
  const { folder, record } = kept
  if (canKeep()) await markUsed(folder, Date.now())
  return keptSource(folder, record, { origin: () => originOf(record, hub) })
}

async function describeFolder(key: string, folder: Folder): Promise<StoredModel | null> {
  const record = await readRecord(folder)
  const part = record ? null : await readPart(folder)
  const model = record ?? part?.model
  if (!model) return null
  const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0)
  const have = Object.values(part?.done ?? {}).flat()
  return {
    key,
    source: model.source,
    label: model.label,
    file: model.file,
    endpoint: model.endpoint,
    commit: model.commit,
    license: model.license,
    bytes,
    bytesDone: record ? bytes : have.reduce((sum, done) => sum + done, 0),
    keptAt: record?.keptAt ?? null,
    usedAt: record ? await lastUsed(folder) : null,
  }
}

/** Everything that is kept, parts of downloads too, the one used last first. */
export async function listStored(root?: Folder): Promise<StoredModel[]> {
  const at = root ?? (await keptRoot())
  const all = await Promise.all(
    (at ? await keptFolders(at) : []).map(({ key, folder }) => describeFolder(key, folder)),
  )
  const when = ({ usedAt, keptAt }: StoredModel): number => usedAt ?? keptAt ?? 0
  return all.filter((model) => model !== null).toSorted((a, b) => when(b) - when(a))
}

async function recordOf(key: string, root: Folder | undefined): Promise<RecordedFolder> {
  const at = root ?? (await keptRoot())
  const folder = at && (await folderOf(at, key))
  const record = folder && (await readRecord(folder))
  if (folder && record) return { folder, record }
  throw new TokenscopeError('bad-argument', `No model is kept as '${key}'.`, {
    details: { field: 'key', got: key },
  })
}

export interface VerifyOptions {
  hub?: HubOptions | undefined
  /** Default true: what is damaged is fetched again. */
  repair?: boolean | undefined
  signal?: AbortSignal | undefined
  onBytes?: ((done: number, total: number) => void) | undefined
}

/**
 * Reads a kept model through and holds it against its digests. Resolves to how many blocks of a MiB were damaged; they are repaired
 * unless told otherwise.
 * @throws `storage` for what cannot be repaired, `aborted`.
 */
export async function verifyStored(key: string, options: VerifyOptions = {}, root?: Folder): Promise<number> {
  const { folder, record } = await recordOf(key, root)
  const { hub, repair = true, signal, onBytes } = options
  const total = record.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const origin = originOf(record, hub)
  let damaged = 0
  let done = 0
  for (const file of record.files) {
    const kept = new KeptFile(folder, file, () => origin)
    const blocks = await kept.damaged(signal, (bytes) => onBytes?.((done += bytes), total))
    damaged += blocks.length
    if (repair) for (const n of blocks) await kept.repair(n, signal)
  }
  return damaged
}

/** Removes a kept model or the part of a download. */
export async function removeStored(key: string, root?: Folder): Promise<void> {
  const at = root ?? (await keptRoot())
  if (at) await removeFile(at, key)
}
