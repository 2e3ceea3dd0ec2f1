/** A model of the hub that the page speaks of; `public/models.json` lists them. */
export interface CuratedModel {
  readonly id: string
  readonly name: string
  readonly parameters: number
  /** Of the whole model as published. */
  readonly bytes: number
  readonly context: number
  readonly license: string
  readonly kind: CuratedKind
  readonly gated: boolean
  /** Its usual repository of GGUF files. */
  readonly gguf: string | null
  readonly note: string
  readonly noteKo: string
  readonly examples: readonly string[]
}

export const CURATED_KINDS = ['chat', 'base', 'fill-mask'] as const
export type CuratedKind = (typeof CURATED_KINDS)[number]

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0)

function parseCurated(value: unknown): CuratedModel | null {
  if (typeof value !== 'object' || value === null) return null
  const entry = value as Record<string, unknown>
  const { examples, gguf } = entry
  const kind = CURATED_KINDS.find((candidate) => candidate === entry['kind']) ?? 'chat'
  const id = text(entry['id'])
  if (id === '') return null
  return {
    id,
    name: text(entry['name']) || id,
    parameters: count(entry['parameters']),
    bytes: count(entry['bytes']),
    context: count(entry['context']),
    license: text(entry['license']),
    kind,
    gated: entry['gated'] === true,
    gguf: typeof gguf === 'string' ? gguf : null,
    note: text(entry['note']),
    noteKo: text(entry['noteKo']) || text(entry['note']),
    examples: Array.isArray(examples) ? examples.filter((one) => typeof one === 'string') : [],
  }
}

/** The list beside the page; empty when it has none. A page without a connection has it in its cache. */
export async function readCurated(url: string): Promise<readonly CuratedModel[]> {
  const response = await fetch(url)
  const json: unknown = response.ok ? await response.json() : {}
  const list = typeof json === 'object' && json !== null && 'hub' in json ? json.hub : []
  return Array.isArray(list) ? list.map(parseCurated).filter((entry) => entry !== null) : []
}
