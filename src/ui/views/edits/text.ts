import type { Change, Span } from './store.ts'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** A position, layer or head; null for anything else. */
function integerOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null
}

const finite = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null

/** Parts of words with dots between them, as every step is named; the model on the page knows which it has. */
const NAME = /^\w+(\.\w+)*$/

const stepName = (value: unknown): string | null =>
  typeof value === 'string' && NAME.test(value) ? value : null

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function readSpan(value: unknown): Span | null {
  if (!isFields(value)) return null
  const [from, to, at] = [
    integerOrNull(value['from']),
    integerOrNull(value['to']),
    integerOrNull(value['at']),
  ]
  switch (value['kind']) {
    case 'all':
      return { kind: 'all' }
    case 'from':
      return from === null ? null : { kind: 'from', from }
    case 'range':
      return from === null || to === null || to <= from ? null : { kind: 'range', from, to }
    case 'token':
      return at === null ? null : { kind: 'token', at }
    default:
      return null
  }
}

/** A change from storage or a link, field by field: null where it is none this page could have written. */
export function readChange(value: unknown): Change | null {
  if (!isFields(value)) return null
  switch (value['kind']) {
    case 'scale':
      return readScale(value)
    case 'steer':
      return readSteer(value)
    case 'patch':
      return readPatch(value)
    case 'mask':
      return readMask(value)
    default:
      return null
  }
}

function readScale(value: Fields): Change | null {
  const [step, factor, span] = [stepName(value['step']), finite(value['factor']), readSpan(value['span'])]
  if (step === null || factor === null || span === null) return null
  return { kind: 'scale', step, head: integerOrNull(value['head']), factor, span }
}

function readSteer(value: Fields): Change | null {
  const [step, factor, span] = [stepName(value['step']), finite(value['factor']), readSpan(value['span'])]
  const [toward, away] = [text(value['toward']), text(value['away'])]
  if (step === null || factor === null || span === null || toward === null || away === null) return null
  return { kind: 'steer', step, toward, away, factor, span }
}

function readPatch(value: Fields): Change | null {
  const { source } = value
  if (!isFields(source)) return null
  const [step, position] = [stepName(value['step']), integerOrNull(value['position'])]
  const [prompt, from, at] = [
    text(source['prompt']),
    stepName(source['step']),
    integerOrNull(source['position']),
  ]
  if (step === null || position === null || prompt === null || from === null || at === null) return null
  return { kind: 'patch', step, position, source: { prompt, step: from, position: at } }
}

function readMask(value: Fields): Change | null {
  const [layer, query, key] = [
    integerOrNull(value['layer']),
    integerOrNull(value['query']),
    integerOrNull(value['key']),
  ]
  if (layer === null || query === null || key === null || key > query) return null
  return { kind: 'mask', layer, head: integerOrNull(value['head']), query, key }
}
