import { bind, type Bound } from './arguments.ts'
import { getter } from './filterTools.ts'
import type { Runtime } from './interpreter.ts'
import { iterate, truthy } from './operators.ts'
import { str } from './pythonText.ts'
import { SEQUENCE_FILTERS } from './sequenceFilters.ts'
import { formatFilter, TEXT_FILTERS } from './textFilters.ts'
import { fail, Stream, unsupported, type Keywords, type Value } from './values.ts'

export type Filter = (value: Value, args: Value[], keywords: Keywords, runtime: Runtime) => Value

/** Filters with a fixed signature, written as the names of its arguments. */
export type FilterTable = Readonly<
  Record<string, readonly [signature: string, run: (value: Value, args: Bound) => Value]>
>

function fromTable(table: FilterTable): [string, Filter][] {
  return Object.entries(table).map(([name, [signature, run]]) => {
    const words = signature.split(' ').filter(Boolean)
    const parameters = words.map((word) => word.replace('?', ''))
    const required = words.filter((word) => !word.endsWith('?')).length
    return [name, (value, args, keywords) => run(value, bind(name, parameters, args, keywords, required))]
  })
}

/** What `map` does to each item: looks up an attribute, or applies a filter. */
function mapping(args: Value[], keywords: Keywords, runtime: Runtime): (item: Value) => Value {
  const [name, ...rest] = args
  if (name === undefined && keywords.has('attribute')) {
    const extra = [...keywords.keys()].find((key) => key !== 'attribute' && key !== 'default')
    if (extra !== undefined) fail(`Unexpected keyword argument '${extra}'`)
    return getter(keywords.get('attribute'), keywords.get('default'))
  }
  if (name === undefined) return fail('map requires a filter argument')
  return (item) => runtime.applyFilter(str(name), item, rest, keywords)
}

function* mapped(value: Value, run: (item: Value) => Value): Generator<Value> {
  for (const item of iterate(value)) yield run(item)
}

function* chosen(value: Value, test: (item: Value) => boolean): Generator<Value> {
  if (truthy(value)) for (const item of iterate(value)) if (test(item)) yield item
}

const choosing =
  (byAttribute: boolean, keepsMatching: boolean): Filter =>
  (value, args, keywords, runtime) => {
    const rest = [...args]
    const attribute = byAttribute ? rest.shift() : undefined
    if (byAttribute && attribute === undefined) return fail('Missing parameter for attribute name')
    const get = getter(attribute)
    const test = rest.shift()
    return new Stream(
      chosen(value, (item) => {
        const subject = get(item)
        const holds =
          test === undefined ? truthy(subject) : runtime.applyTest(str(test), subject, rest, keywords)
        return holds === keepsMatching
      }),
    )
  }

const UNBUILT = ['pprint', 'random', 'urlize', 'wordwrap', 'xmlattr'] as const

/** Jinja's own filters, with Transformers' `tojson`. */
export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...fromTable(TEXT_FILTERS),
  ...fromTable(SEQUENCE_FILTERS),
  ['format', formatFilter],
  ['map', (value, args, keywords, runtime) => new Stream(mapped(value, mapping(args, keywords, runtime)))],
  ['select', choosing(false, true)],
  ['reject', choosing(false, false)],
  ['selectattr', choosing(true, true)],
  ['rejectattr', choosing(true, false)],
  ...UNBUILT.map((name): [string, Filter] => [name, () => unsupported(`the filter '${name}'`)]),
])
