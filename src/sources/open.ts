import { TokenscopeError } from '../errors.ts'
import type { HubOptions, ModelSource } from '../api/load.ts'
import { isNode } from './isNode.ts'
import { urlSource } from './url.ts'
import { parseStrictJson, type JsonValue } from '../formats/strictJson.ts'
import type { FileSource } from '../formats/tensors.ts'
import { percentDecoded } from './percentDecoded.ts'

const HUB_HOST = /^(huggingface|hf)\.co$/
const MODEL_ID = /^[A-Za-z0-9][\w.-]*$/
const MAX_LIST_BYTES = 1024 * 1024

export interface OpenSourceOptions {
  /** Address of models.json; ids and relative folders are resolved from it. A `file:` URL in Node. */
  modelsUrl: URL
  hub?: HubOptions | undefined
}

/**
 * The folder a {@link ModelSource} stands for. A string is, in this order: an http(s) address; a path when it starts with
 * `/`, `./` or `../` (on disk in Node, else relative to the page); an id of models.json; in Node an existing folder; relative to
 * the page when it ends in `/`; a model on the hub.
 * @throws `bad-argument` for a string that is none of these or a scheme that is never read, `network` for a models.json out of reach.
 */
export async function openSource(source: ModelSource, options: OpenSourceOptions): Promise<FileSource> {
  if (typeof source === 'string') return openText(source, options)
  if (source instanceof Map) return (await import('./dropped.ts')).mapSource(source)
  if (Array.isArray(source)) {
    const [file] = source
    if (!file || source.length > 1 || !/\.zip$/i.test(file.name))
      return (await import('./dropped.ts')).filesSource(source)
    // Unpacking is fetched when there is something to unpack.
    const { zipSource } = await import('./zip.ts')
    return zipSource(file)
  }
  if ('kind' in source && source.kind === 'directory')
    return (await import('./directory.ts')).directorySource(source as FileSystemDirectoryHandle)
  throw badSource('The model source is of no known kind.')
}

function badSource(message: string, details: Record<string, unknown> = {}): TokenscopeError {
  return new TokenscopeError('bad-argument', message, {
    hint: 'Give an id from models.json, a folder address (https://…/), owner/name on the hub, or files.',
    details,
  })
}

/** What reads a disk, in Node. */
const disk = () => import('./nodeFolder.ts')

/** The folder and the name of a path that ends in a GGUF file; else only the folder. */
async function nodePath(path: string): Promise<FileSource> {
  const { nodeFolderSource } = await disk()
  const [, folder = '.', file] = /^(?:(.*)[\\/])?([^\\/]+\.gguf)$/i.exec(path) ?? []
  return file === undefined ? nodeFolderSource(path) : nodeFolderSource(folder === '' ? '/' : folder, file)
}

/** The page that a relative address is read beside; a worker's page lies beside its list of models. */
const pageUrl = (modelsUrl: URL): URL | string =>
  typeof document === 'undefined' ? modelsUrl : document.baseURI

async function openText(text: string, options: OpenSourceOptions): Promise<FileSource> {
  const { modelsUrl, hub } = options
  if (/^[A-Za-z]:[\\/]/.test(text) && isNode()) return nodePath(text)
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return openAddress(text, hub)
  if (/^\.{0,2}\//.test(text)) {
    return isNode() ? nodePath(text) : openAddress(new URL(text, pageUrl(modelsUrl)).href, hub)
  }
  if (MODEL_ID.test(text) && !/\.gguf$/i.test(text)) {
    const { folder, ids } = await listedFolder(text, modelsUrl)
    if (folder) return folderAt(folder, text)
    if (isNode() && (await (await disk()).isFolder(text))) return (await disk()).nodeFolderSource(text)
    throw badSource(`No model is called '${text}'. Known ids: ${ids.join(', ') || 'none'}.`, {
      got: text,
      expected: ids,
    })
  }
  if (isNode() && (await (await disk()).isThere(text))) return nodePath(text)
  if (text.endsWith('/') && !isNode()) return openAddress(new URL(text, pageUrl(modelsUrl)).href, hub)
  // The hub is asked when a model of it is meant.
  const { openHub, parseHubId } = await import('./openHub.ts')
  const address = parseHubId(text)
  if (address) return openHub(address, hub)
  if (isNode() && /\.gguf$/i.test(text)) return nodePath(text)
  throw badSource(`'${text.slice(0, 200)}' is no model source.`, { got: text.slice(0, 200) })
}

async function openAddress(text: string, hub: HubOptions | undefined): Promise<FileSource> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw badSource(`'${text.slice(0, 200)}' is no http(s) address.`, {
      got: text.slice(0, 200),
      expected: 'http or https',
    })
  }
  if (/(^|\/)\.\.(\/|$)/.test(percentDecoded(url.pathname)))
    throw badSource('The address leaves its folder.', { got: text })
  if (HUB_HOST.test(url.host) || (hub?.endpoint && url.href.startsWith(hub.endpoint))) {
    const { endpointOf, openHub, parseHubLink } = await import('./openHub.ts')
    const address = parseHubLink(url, endpointOf(hub))
    if (address) return openHub(address, hub)
  }
  // The address of a file of the model means its folder; that of a GGUF file the file.
  const file = /[^/]+\.gguf$/i.exec(url.pathname)?.[0]
  url.pathname = url.pathname.replace(/\/[^/]+\.(json|safetensors|gguf)$/i, '/').replace(/\/?$/, '/')
  url.search = ''
  url.hash = ''
  return file === undefined ? urlSource(url) : urlSource(url, { file: percentDecoded(file) })
}

async function folderAt(folder: URL, label: string): Promise<FileSource> {
  return folder.protocol === 'file:' ? (await disk()).nodeFolderSource(folder) : urlSource(folder, { label })
}

const entriesOf = (list: JsonValue | undefined): JsonValue[] => (Array.isArray(list) ? list : [])

/** The folder of a model's or adapter's id in models.json: its `path`, relative to that file, by default `models/<id>/`. */
async function listedFolder(id: string, modelsUrl: URL): Promise<{ folder: URL | null; ids: string[] }> {
  const beside = await folderAt(new URL('.', modelsUrl), 'models.json')
  const name = percentDecoded(modelsUrl.pathname.split('/').at(-1) ?? '')
  if (!(await beside.has(name))) return { folder: null, ids: [] }
  const list = parseStrictJson(await beside.read(name, { maxBytes: MAX_LIST_BYTES }), name)
  const ids: string[] = []
  let folder: URL | null = null
  const lists = typeof list === 'object' && list !== null && !Array.isArray(list) ? list : { models: list }
  for (const [kind, entry] of ['models', 'adapters'].flatMap((key) =>
    entriesOf(lists[key]).map((one) => [key, one] as const),
  )) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue
    const { id: entryId, path } = entry
    if (typeof entryId !== 'string') continue
    ids.push(entryId)
    if (entryId !== id) continue
    folder = new URL(typeof path === 'string' ? path.replace(/\/?$/, '/') : `${kind}/${id}/`, modelsUrl)
  }
  return { folder, ids }
}
