import type { JsonObject, JsonValue } from '../formats/strictJson.ts'

/** Names of steps that files of version 1 use, and today's. */
const STEP_NAMES: Readonly<Record<string, string>> = {
  input_norm: 'attn_norm',
  'attn.mix': 'attn.context',
  'attn.out': 'attn.o',
  resid_mid: 'resid_attn',
  post_norm: 'mlp_norm',
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : [])

/** Today's name of a step of version 1, with what adapters and edits hung on it. */
function renamed(name: JsonValue | undefined): JsonValue {
  if (typeof name !== 'string') return name ?? null
  const [, layer = '', local = name] = /^(layers\.\d+\.)(.*)$/.exec(name) ?? []
  const old = Object.keys(STEP_NAMES).find((step) => local === step || local.startsWith(`${step}.`))
  return old === undefined ? name : layer + (STEP_NAMES[old] ?? old) + local.slice(old.length)
}

function layerOf(name: JsonValue | undefined): number | null {
  const layer = typeof name === 'string' ? /^layers\.(\d+)\./.exec(name)?.[1] : undefined
  return layer === undefined ? null : Number(layer)
}

/** Version 1 told axes apart only by their number: two are rows of features, three are keys and values or heads of attention. */
function axesOf(step: JsonObject): JsonValue {
  const output = step['output']
  const shape = isObject(output) ? listOf(output['shape']) : []
  const last = step['name'] === 'logits' ? 'vocabulary' : 'features'
  const kinds =
    shape.length < 3
      ? ['rows', last]
      : step['op'] === 'cache'
        ? ['kv', 'rows', 'features']
        : ['heads', 'rows', 'positions']
  return shape.map((size, i) => ({ kind: kinds[i] ?? 'features', size }))
}

function step(value: JsonValue): JsonValue {
  if (!isObject(value)) return value
  return {
    ...value,
    name: renamed(value['name']),
    op: value['op'] === 'mix' ? 'context' : (value['op'] ?? null),
    layer: layerOf(value['name']),
    inputs: listOf(value['inputs']).map(renamed),
    axes: axesOf(value),
    params: value['weights'] ?? [],
    coveredBy: renamed(value['coveredBy']),
  }
}

const withStep = (value: JsonValue): JsonValue =>
  isObject(value) ? { ...value, step: renamed(value['step']) } : value

/** A header of version 1 as one of version 2 says it; what is wrong with it stays wrong. */
export function fromFirstVersion(header: JsonValue): JsonValue {
  if (!isObject(header)) return header
  return {
    ...header,
    steps: Array.isArray(header['steps']) ? header['steps'].map(step) : (header['steps'] ?? null),
    edits: Array.isArray(header['edits']) ? header['edits'].map(withStep) : (header['edits'] ?? null),
    tensors: Array.isArray(header['tensors']) ? header['tensors'].map(withStep) : (header['tensors'] ?? null),
  }
}
