import type { HubOptions } from '../api/load.ts'
import { TokenscopeError } from '../errors.ts'
import { partNames } from '../formats/gguf/split.ts'
import type { FileSource } from '../formats/tensors.ts'
import { spellHubAddress, type HubAddress } from './hubAddress.ts'
import { authorization, endpointOf, readRepository, refusalHint, type HubRepository } from './hubApi.ts'
import { bestGguf } from './ggufChoice.ts'
import { urlSource, type UrlSourceOptions } from './url.ts'

/** A model on the hub. Nothing is asked before something is read. */
export interface HubSource extends FileSource {
  readonly address: HubAddress
  readonly hub: HubOptions
  /** What the hub says of it, asked once; null of an endpoint that has files and no API. */
  repository(signal?: AbortSignal): Promise<HubRepository | null>
}

/** A model on the hub as a folder. All is read at the commit that the revision meant at the first look. */
export function hubSource(
  address: HubAddress,
  hub: HubOptions = {},
  options: Pick<UrlSourceOptions, 'retryMs' | 'silenceMs'> = {},
): HubSource {
  const { id, revision, file } = address
  const endpoint = endpointOf(hub)
  const label = spellHubAddress({ ...address, file: undefined })
  let asked: Promise<HubRepository | null> | undefined
  const repository = (signal?: AbortSignal): Promise<HubRepository | null> => {
    asked ??= readRepository(id, revision, { hub, signal, retryMs: options.retryMs }).catch(
      (error: unknown) => {
        asked = undefined
        if (isWithoutApi(error)) return null
        throw error
      },
    )
    return asked
  }
  let opened: FileSource | undefined
  const open = async (signal?: AbortSignal): Promise<FileSource> => {
    const repo = await repository(signal)
    opened ??= urlSource(
      new URL(`${endpoint}/${id}/resolve/${encodeURIComponent(repo?.commit ?? revision)}/`),
      {
        ...options,
        label,
        headers: authorization(hub),
        refusedHint: refusalHint(id, hub),
        ...(repo ? { sizes: new Map(repo.files.map(({ name, bytes }) => [name, bytes])) } : {}),
      },
    )
    return opened
  }
  return {
    address,
    hub,
    repository,
    label,
    file,
    has: async (name) => (await open()).has(name),
    read: async (name, limits) => (await open(limits.signal)).read(name, limits),
    size: async (name) => (await open()).size(name),
    version: async (name) => (await open()).version?.(name) ?? null,
    list: async () => (await repository())?.files.map(({ name }) => name) ?? null,
    pick: async (names) => {
      const repo = await repository()
      const sizes = new Map(repo?.files.map(({ name, bytes }) => [name, bytes]))
      const bytesOf = (name: string): number =>
        partNames(name).reduce((sum, part) => sum + (sizes.get(part) ?? 0), 0)
      return bestGguf(names.map((name) => ({ name, bytes: bytesOf(name) })))
    },
    stream: (name, begin, end, signal) =>
      deferred(
        () => open(signal),
        (source) => source.stream(name, begin, end, signal),
      ),
  }
}

/** An endpoint that says nothing of why it has no such address knows no API: its files may be there. */
function isWithoutApi(error: unknown): boolean {
  if (!(error instanceof TokenscopeError)) return false
  const { got, reason } = error.details
  return reason === undefined && (got === 404 || got === 405 || got === 501)
}

/** A stream of a source that is opened with its first read. */
function deferred(
  open: () => Promise<FileSource>,
  read: (source: FileSource) => ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= read(await open()).getReader()
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
