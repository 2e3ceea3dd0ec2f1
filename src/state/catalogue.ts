import { TokenscopeError } from '../errors.ts'

/** A model the page offers by name; `public/models.json` lists them. */
export interface CatalogueEntry {
  id: string
  name: string
  /** Bytes to download; null when the list does not say. */
  bytes: number | null
  /** Prompts that show the model at its best; the first one is the page's opening example. */
  examples: readonly string[]
}

/** An adapter the page offers by name. */
export interface AdapterEntry {
  id: string
  name: string
  /** Id of the model it was trained on; null when the list does not say. */
  base: string | null
  bytes: number | null
  note: string
  /** Prompts that show what it does. */
  examples: readonly string[]
}

export interface Catalogue {
  models: readonly CatalogueEntry[]
  /** Models of the hub that the list speaks of. */
  hub: readonly CatalogueEntry[]
  adapters: readonly AdapterEntry[]
  /** Id loaded when no other was asked for. */
  initial: string | null
}

export const EMPTY_CATALOGUE: Catalogue = { models: [], hub: [], adapters: [], initial: null }

/** For a model whose entry brings no prompts of its own. */
export const FALLBACK_EXAMPLES: readonly string[] = [
  'Once upon a time, there was a little fox who',
  'The old king looked at the sea and said',
  'One day, Lily found a small key under the tree.',
]

function parseEntry(value: unknown, where: string): CatalogueEntry {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const { id, name, bytes, examples } = entry
  if (typeof id !== 'string' || id === '') {
    throw new TokenscopeError('bad-file', `models.json: ${where} has no "id".`, {
      hint: 'Every entry needs an "id", the name of its folder.',
      details: { file: 'models.json', field: `${where}.id`, got: id, expected: 'a string' },
    })
  }
  return {
    id,
    name: typeof name === 'string' ? name : id,
    bytes: typeof bytes === 'number' ? bytes : null,
    examples: Array.isArray(examples) ? examples.filter((text) => typeof text === 'string') : [],
  }
}

function parseAdapter(value: unknown, where: string): AdapterEntry {
  const { id, name, bytes } = parseEntry(value, where)
  const { base, note, try: prompts } = value as Record<string, unknown>
  // A text, texts, or texts with the settings they were tried under.
  const list = (Array.isArray(prompts) ? prompts : [prompts]).map((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'prompt' in entry ? entry.prompt : entry,
  )
  return {
    id,
    name,
    bytes,
    base: typeof base === 'string' ? base : null,
    note: typeof note === 'string' ? note : '',
    examples: list.filter((text) => typeof text === 'string'),
  }
}

export function parseCatalogue(json: unknown): Catalogue {
  const root = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>
  const list = Array.isArray(json) ? json : root['models']
  if (!Array.isArray(list)) {
    throw new TokenscopeError('bad-file', 'models.json holds no list of models.', {
      hint: 'The file must be { "models": [{ "id": … }] }.',
      details: { file: 'models.json', field: 'models', got: typeof list, expected: 'an array' },
    })
  }
  const models = list.map((value, index) => parseEntry(value, `models[${index}]`))
  const asked = typeof root['default'] === 'string' ? root['default'] : null
  const initial = models.find((entry) => entry.id === asked) ?? models[0]
  const adapters = Array.isArray(root['adapters']) ? root['adapters'] : []
  const hub = Array.isArray(root['hub']) ? root['hub'] : []
  return {
    models,
    hub: hub.map((value, index) => parseEntry(value, `hub[${index}]`)),
    adapters: adapters.map((value, index) => parseAdapter(value, `adapters[${index}]`)),
    initial: initial?.id ?? null,
  }
}

/** Reads the list that lies beside the page. */
export async function fetchCatalogue(url: string): Promise<Catalogue> {
  let response: Response
  try {
    response = await fetch(url)
  } catch (cause) {
    throw new TokenscopeError('network', 'The list of models could not be read.', {
      hint: 'Check the connection to the page’s host, or drop model files onto the page.',
      details: { file: url },
      cause,
    })
  }
  if (!response.ok) {
    throw new TokenscopeError('network', `The list of models answered ${response.status}.`, {
      hint: 'Drop model files onto the page, or type the address of a model folder.',
      details: { file: url, got: response.status, expected: 200 },
    })
  }
  return parseCatalogue(await response.json())
}

export function examplesOf(catalogue: Catalogue, modelId: string | null): readonly string[] {
  const all = [...catalogue.models, ...catalogue.hub]
  const modelExamples = all.find((entry) => entry.id === modelId)?.examples ?? []
  return modelExamples.length > 0 ? modelExamples : FALLBACK_EXAMPLES
}
