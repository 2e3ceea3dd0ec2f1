import { bind, type Bound } from './arguments.ts'
import * as kinds from './characterKinds.ts'
import { formatText } from './formatText.ts'
import { checkSize, equals, iterate, slice, truthy, integerOf } from './operators.ts'
import { textOf, typeName } from './pythonText.ts'
import * as tools from './textTools.ts'
import {
  Callable,
  Dict,
  fail,
  Markup,
  Tuple,
  unsupported,
  DictView,
  type Keywords,
  type Value,
} from './values.ts'

interface Method {
  parameters: readonly string[]
  required: number
  run(text: string, args: Bound): Value
}

function method(signature: string, run: (text: string, args: Bound) => Value): Method {
  const parameters = signature.split(' ').filter(Boolean)
  return {
    parameters: parameters.map((name) => name.replace('?', '')),
    required: parameters.filter((name) => !name.endsWith('?')).length,
    run,
  }
}

function text(value: Value | undefined): string {
  const string = textOf(value ?? null)
  return string ?? fail(`expected str, got ${typeName(value ?? null)}`)
}

const optionalText = (value: Value | undefined): string | null =>
  value === undefined || value === null ? null : text(value)
const number = (value: Value | undefined, fallback: number): number =>
  value === undefined || value === null ? fallback : integerOf(value)

const asked = (test: (value: string) => boolean) => method('', (value) => test(value))
const strip = (side: tools.StripSide) =>
  method('chars?', (value, [chars]) => tools.stripped(value, optionalText(chars), side))
const pad = (side: 'left' | 'right' | 'center') =>
  method('width fillchar?', (value, [width, fill]) => {
    checkSize(number(width, 0))
    return tools.padded(value, number(width, 0), optionalText(fill) ?? ' ', side)
  })
const search = (last: boolean, must: boolean) =>
  method('sub start? end?', (value, [part, start, end]) => {
    const at = tools.find(value, text(part), number(start, 0), number(end, Infinity), last)
    return at < 0 && must ? fail('substring not found') : BigInt(at)
  })

/** Whether a text begins or ends with one of several. */
const edge = (test: (value: string, part: string) => boolean) =>
  method('prefix start? end?', (value, [part, start, end]) => {
    const window = text(slice(value, start ?? null, end ?? null, null))
    const parts = part instanceof Tuple ? part.items.map(text) : [text(part)]
    return parts.some((one) => test(window, one))
  })
const partition = (last: boolean) =>
  method('sep', (value, [separator]) => {
    const by = text(separator)
    if (by === '') return fail('empty separator')
    const at = last ? value.lastIndexOf(by) : value.indexOf(by)
    if (at < 0) return new Tuple(last ? ['', '', value] : [value, '', ''])
    return new Tuple([value.slice(0, at), by, value.slice(at + by.length)])
  })

function joined(separator: string, items: Value): string {
  const parts = Array.from(iterate(items), (item, i) => {
    return textOf(item) ?? fail(`sequence item ${i}: expected str instance, ${typeName(item)} found`)
  })
  checkSize(parts.reduce((sum, part) => sum + part.length + separator.length, 0))
  return parts.join(separator)
}

const TEXT: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    capitalize: method('', kinds.capitalized),
    casefold: method('', (value) => value.toUpperCase().toLowerCase()),
    center: pad('center'),
    count: method('sub start? end?', (value, [part, start, end]) =>
      BigInt(tools.count(text(slice(value, start ?? null, end ?? null, null)), text(part))),
    ),
    endswith: edge((value, part) => value.endsWith(part)),
    expandtabs: method('tabsize?', (value, [size]) => tools.expandTabs(value, number(size, 8))),
    find: search(false, false),
    index: search(false, true),
    isalnum: asked(kinds.isAlnum),
    isalpha: asked(kinds.isAlpha),
    isascii: asked(kinds.isAscii),
    isdecimal: asked(kinds.isDecimal),
    isdigit: asked(kinds.isDigit),
    isidentifier: asked(kinds.isIdentifier),
    islower: asked(kinds.isLower),
    isnumeric: asked(kinds.isNumeric),
    isprintable: asked(kinds.isPrintable),
    isspace: asked(kinds.isSpace),
    istitle: asked(kinds.isTitle),
    isupper: asked(kinds.isUpper),
    join: method('iterable', (value, [items]) => joined(value, items ?? null)),
    ljust: pad('right'),
    lower: method('', (value) => value.toLowerCase()),
    lstrip: strip('left'),
    partition: partition(false),
    removeprefix: method('prefix', (value, [part]) =>
      value.startsWith(text(part)) ? value.slice(text(part).length) : value,
    ),
    removesuffix: method('suffix', (value, [part]) =>
      text(part) !== '' && value.endsWith(text(part)) ? value.slice(0, -text(part).length) : value,
    ),
    replace: method('old new count?', (value, [from, to, limit]) => {
      const result = tools.replaced(value, text(from), text(to), number(limit, -1))
      checkSize(result.length)
      return result
    }),
    rfind: search(true, false),
    rindex: search(true, true),
    rjust: pad('left'),
    rpartition: partition(true),
    rsplit: method('sep? maxsplit?', (value, [separator, limit]) =>
      tools.splitFromRight(value, optionalText(separator), number(limit, -1)),
    ),
    rstrip: strip('right'),
    split: method('sep? maxsplit?', (value, [separator, limit]) =>
      tools.split(value, optionalText(separator), number(limit, -1)),
    ),
    splitlines: method('keepends?', (value, [keepEnds]) =>
      tools.splitLines(value, truthy(keepEnds ?? false)),
    ),
    startswith: edge((value, part) => value.startsWith(part)),
    strip: strip('both'),
    swapcase: method('', kinds.swappedCase),
    title: method('', kinds.titled),
    upper: method('', (value) => value.toUpperCase()),
    zfill: method('width', (value, [width]) => {
      checkSize(number(width, 0))
      return tools.zeroFilled(value, number(width, 0))
    }),
  }),
)
const UNBUILT_TEXT = new Set(['encode', 'format_map', 'maketrans', 'translate'])
/** Methods of a Markup that escape what they are given. */
const ESCAPING = new Set(['join', 'replace', 'format', 'center', 'ljust', 'rjust', 'partition', 'rpartition'])

function bound(name: string, call: (args: Value[], keywords: Keywords) => Value): Callable {
  return new Callable(name, call, { typeName: 'builtin_function_or_method' })
}

function marked(value: Value): Value {
  if (typeof value === 'string') return new Markup(value)
  return Array.isArray(value) ? value.map(marked) : value
}

function textMethod(value: string | Markup, name: string): Value | undefined {
  if (UNBUILT_TEXT.has(name)) return unsupported(`the method '${name}' of a text`)
  const isMarkup = value instanceof Markup
  const plain = isMarkup ? value.text : value
  if (isMarkup && ESCAPING.has(name)) return unsupported(`the method '${name}' of a text marked safe`)
  if (name === 'format') return bound(name, (args, keywords) => formatText(plain, args, keywords))
  const method = TEXT.get(name)
  if (method === undefined) return undefined
  return bound(name, (args, keywords) => {
    const result = method.run(plain, bind(name, method.parameters, args, keywords, method.required))
    return isMarkup ? marked(result) : result
  })
}

function dictMethod(dict: Dict, name: string): Value | undefined {
  switch (name) {
    case 'get':
      return bound(name, (args, keywords) => {
        const [key, fallback] = bind('get', ['key', 'default'], args, keywords, 1)
        const value = dict.get(key ?? null)
        return value === undefined ? (fallback ?? null) : value
      })
    case 'items':
    case 'keys':
    case 'values':
      return bound(name, (args, keywords) => {
        bind(name, [], args, keywords)
        return new DictView(name, dict)
      })
    case 'copy':
      return bound(name, () => new Dict(dict.entries()))
    case 'fromkeys':
      return unsupported("the method 'fromkeys' of a dict")
    default:
      return undefined
  }
}

function listMethod(items: readonly Value[], name: string): Value | undefined {
  switch (name) {
    case 'count':
      return bound(name, (args, keywords) => {
        const [wanted] = bind('count', ['value'], args, keywords, 1)
        return BigInt(items.filter((item) => equals(item, wanted ?? null)).length)
      })
    case 'index':
      return bound(name, (args, keywords) => {
        const [wanted, start] = bind('index', ['value', 'start', 'stop'], args, keywords, 1)
        const at = items.findIndex((item, i) => i >= number(start, 0) && equals(item, wanted ?? null))
        return at < 0 ? fail('the value is not in the list') : BigInt(at)
      })
    case 'copy':
      return Array.isArray(items) ? bound(name, () => [...items]) : undefined
    default:
      return undefined
  }
}

/** A method of a value, bound to it. */
export function methodOf(value: Value, name: string): Value | undefined {
  if (typeof value === 'string' || value instanceof Markup) return textMethod(value, name)
  if (value instanceof Dict) return dictMethod(value, name)
  if (Array.isArray(value)) return listMethod(value, name)
  return value instanceof Tuple && name !== 'copy' ? listMethod(value.items, name) : undefined
}
