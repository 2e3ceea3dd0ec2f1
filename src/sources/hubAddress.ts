import { percentDecoded } from './percentDecoded.ts'

/** Where a model lies on a hub. */
export interface HubAddress {
  /** `owner/name`. */
  readonly id: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** A GGUF file of it, with the folders it lies in. */
  readonly file: string | undefined
}

export const DEFAULT_ENDPOINT = 'https://huggingface.co'
/** The name under which the hub's own links are shortened. */
const SHORT_HOST = 'hf.co'

const ID = /^[\w-][\w.-]*\/[\w-][\w.-]*$/
const SPELLED = /^([^/@]+\/[^/@]+)(?:@(refs\/[^/]+\/[^/]+|[^/]+))?\/(.+\.gguf)$/i
/** First parts of the hub's addresses that are no owner. */
const NO_OWNER = new Set(['api', 'blog', 'collections', 'datasets', 'docs', 'models', 'papers', 'spaces'])

const isPath = (text: string): boolean =>
  /^[\w.+-]+(\/[\w.+-]+)*$/.test(text) && !/(^|\/)\.{1,2}(\/|$)/.test(text)

function address(id: string, revision = 'main', file?: string): HubAddress | null {
  const sound = ID.test(id) && !id.includes('..') && !NO_OWNER.has(id.split('/')[0] ?? '')
  return sound && isPath(revision) && (file === undefined || isPath(file)) ? { id, revision, file } : null
}

/** `owner/name[@revision][/file.gguf]`; null for what is written otherwise. A branch with slashes needs no file behind it. */
export function parseHubId(text: string): HubAddress | null {
  const [, id, revision, file] = SPELLED.exec(text) ?? []
  if (id !== undefined) return address(id, revision, file)
  const at = text.indexOf('@')
  return at < 0 ? address(text) : address(text.slice(0, at), text.slice(at + 1))
}

/** A link to a page or a file of a model on the hub; null for other addresses. A link to a file other than GGUF means its model. */
export function parseHubLink(url: URL, endpoint: string): HubAddress | null {
  const hosts = [DEFAULT_ENDPOINT, endpoint].map((address) => new URL(address).host)
  if (![...hosts, SHORT_HOST].includes(url.host)) return null
  const path = percentDecoded(url.pathname).replace(/^\/|\/$/g, '')
  const [, id = '', kind, rest] = /^([^/]+\/[^/]+)(?:\/(tree|blob|resolve|raw)\/(.+))?$/.exec(path) ?? []
  if (kind === undefined || rest === undefined) return address(id)
  if (kind === 'tree') return address(id, rest)
  const [, revision, file = ''] = /^(refs\/[^/]+\/[^/]+|[^/]+)\/(.+)$/.exec(rest) ?? []
  return address(id, revision, /\.gguf$/i.test(file) ? file : undefined)
}

/** The address as a person writes it, and `loadModel` takes it. */
export function spellHubAddress({ id, revision, file }: HubAddress): string {
  return `${id}${revision === 'main' ? '' : `@${revision}`}${file === undefined ? '' : `/${file}`}`
}
