import { TokenscopeError } from '../errors.ts'
import type { ModelSource } from '../api/model.ts'
import { directorySource } from './directory.ts'
import { filesSource, mapSource } from './dropped.ts'
import { isFolder, isNode, nodeFolderSource } from './nodeFolder.ts'
import { urlSource } from './url.ts'
import { parseStrictJson, type JsonValue } from '../formats/strictJson.ts'
import type { FileSource } from '../formats/tensors.ts'

const HUB = 'https://huggingface.co'
const HUB_HINT =
  'Check owner/name and revision. Models that ask for a licence or a login cannot be read from here: download them.'
const HUB_NAME = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/
const MODEL_ID = /^[A-Za-z0-9][\w.-]*$/
const MAX_LIST_BYTES = 1024 * 1024

export interface OpenSourceOptions {
  /** Address of models.json; ids and relative folders are resolved from it. A `file:` URL in Node. */
  modelsUrl: URL
}

/**
 * The folder a {@link ModelSource} stands for. A string is, in this order: an http(s) address; a path when it starts with
 * `/`, `./` or `../` (on disk in Node, else relative to the page); an id of models.json; in Node an existing folder; a
 * model on the hub.
 * @throws `bad-argument` for a string that is none of these or a scheme that is never read, `network` for a models.json out of reach.
 */
export async function openSource(source: ModelSource, options: OpenSourceOptions): Promise<FileSource> {
  if (typeof source === 'string') return openText(source, options)
  if (source instanceof Map) return mapSource(source)
  if (Array.isArray(source)) {
    const [file] = source
    if (!file || source.length > 1 || !/\.zip$/i.test(file.name)) return filesSource(source)
    // Unpacking is fetched when there is something to unpack.
    const { zipSource } = await import('./zip.ts')
    return zipSource(file)
  }
  if ('kind' in source && source.kind === 'directory')
    return directorySource(source as FileSystemDirectoryHandle)
  throw badSource('The model source is of no known kind.')
}

function badSource(message: string, details: Record<string, unknown> = {}): TokenscopeError {
  return new TokenscopeError('bad-argument', message, {
    hint: 'Give an id from models.json, a folder address (https://…/), owner/name on the hub, or files.',
    details,
  })
}

/** The folder and the name of a path that ends in a GGUF file; else the folder alone. */
function nodePath(path: string): FileSource {
  const [, folder = '.', file] = /^(?:(.*)[\\/])?([^\\/]+\.gguf)$/i.exec(path) ?? []
  return file === undefined ? nodeFolderSource(path) : nodeFolderSource(folder === '' ? '/' : folder, file)
}

async function openText(text: string, { modelsUrl }: OpenSourceOptions): Promise<FileSource> {
  if (/^[A-Za-z]:[\\/]/.test(text) && isNode()) return nodePath(text)
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return openAddress(text)
  if (/^\.{0,2}\//.test(text)) {
    return isNode() ? nodePath(text) : openAddress(new URL(text, modelsUrl).href)
  }
  if (MODEL_ID.test(text) && !/\.gguf$/i.test(text)) {
    const { folder, known } = await listedFolder(text, modelsUrl)
    if (folder) return folderAt(folder, text)
    if (isNode() && (await isFolder(text))) return nodeFolderSource(text)
    throw badSource(`No model is called '${text}'. Known ids: ${known.join(', ') || 'none'}.`, {
      got: text,
      expected: known,
    })
  }
  if (isNode() && (/\.gguf$/i.test(text) || (await isFolder(text)))) return nodePath(text)
  const hub = HUB_NAME.exec(text)
  if (hub?.[1] && !text.includes('..')) return hubSource(hub[1], hub[2] ?? 'main')
  throw badSource(`'${text.slice(0, 200)}' is no model source.`, { got: text.slice(0, 200) })
}

function openAddress(text: string): FileSource {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw badSource(`'${text.slice(0, 200)}' is no http(s) address.`, {
      got: text.slice(0, 200),
      expected: 'http or https',
    })
  }
  if (/(^|\/)\.\.(\/|$)/.test(decodeURIComponent(url.pathname)))
    throw badSource('The address leaves its folder.', { got: text })
  const page = /^\/([^/]+\/[^/]+)\/?(?:tree\/([^/]+)\/?)?$/.exec(url.pathname)
  if (url.origin === HUB && page?.[1]) return hubSource(page[1], page[2] ?? 'main')
  // The address of a file of the model means its folder; that of a GGUF file the file.
  const file = /[^/]+\.gguf$/i.exec(url.pathname)?.[0]
  url.pathname = url.pathname.replace(/\/[^/]+\.(json|safetensors|gguf)$/i, '/').replace(/\/?$/, '/')
  url.search = ''
  url.hash = ''
  return file === undefined ? urlSource(url) : urlSource(url, { file: decodeURIComponent(file) })
}

function hubSource(model: string, revision: string): FileSource {
  const folder = new URL(`${HUB}/${model}/resolve/${encodeURIComponent(revision)}/`)
  const label = revision === 'main' ? model : `${model}@${revision}`
  return urlSource(folder, { label, refusedHint: HUB_HINT })
}

function folderAt(folder: URL, label: string): FileSource {
  return folder.protocol === 'file:' ? nodeFolderSource(folder) : urlSource(folder, { label })
}

const entriesOf = (list: JsonValue | undefined): JsonValue[] => (Array.isArray(list) ? list : [])

/** The folder of a model's or adapter's id in models.json: its `path`, relative to that file, by default `models/<id>/`. */
async function listedFolder(id: string, modelsUrl: URL): Promise<{ folder: URL | null; known: string[] }> {
  const beside = folderAt(new URL('.', modelsUrl), 'models.json')
  const name = decodeURIComponent(modelsUrl.pathname.split('/').at(-1) ?? '')
  if (!(await beside.has(name))) return { folder: null, known: [] }
  const list = parseStrictJson(await beside.read(name, { maxBytes: MAX_LIST_BYTES }), name)
  const known: string[] = []
  let folder: URL | null = null
  const lists = typeof list === 'object' && list !== null && !Array.isArray(list) ? list : { models: list }
  for (const [kind, entry] of ['models', 'adapters'].flatMap((key) =>
    entriesOf(lists[key]).map((one) => [key, one] as const),
  )) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue
    const { id: entryId, path } = entry
    if (typeof entryId !== 'string') continue
    known.push(entryId)
    if (entryId !== id) continue
    folder = new URL(typeof path === 'string' ? path.replace(/\/?$/, '/') : `${kind}/${id}/`, modelsUrl)
  }
  return { folder, known }
}
