import { bind } from './arguments.ts'
import { iterate, integerOf } from './operators.ts'
import { str, textOf } from './pythonText.ts'
import { strftime } from './strftime.ts'
import {
  Callable,
  Dict,
  exceeded,
  fail,
  Namespace,
  Range,
  TemplateFault,
  Thing,
  unsupported,
  type Keywords,
  type Value,
} from './values.ts'

/** Jinja's sandbox allows no longer ranges. */
const MAX_RANGE = 100_000

function range(args: Value[]): Value {
  const numbers = args.map((arg) => BigInt(integerOf(arg)))
  if (numbers.length === 0 || numbers.length > 3)
    return fail(`range expected 1 to 3 arguments, got ${numbers.length}`)
  const [start, stop] = numbers.length === 1 ? [0n, numbers[0] ?? 0n] : [numbers[0] ?? 0n, numbers[1] ?? 0n]
  const step = numbers[2] ?? 1n
  if (step === 0n) return fail('range() arg 3 must not be zero')
  const result = new Range(start, stop, step)
  if (result.size() > MAX_RANGE) {
    exceeded(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`)
  }
  return result
}

function dict(args: Value[], keywords: Keywords): Dict {
  const [source] = bind('dict', ['source'], args, new Map())
  const entries = source === undefined ? [] : source instanceof Dict ? source.entries() : pairs(source)
  return new Dict([...entries, ...keywords])
}

function pairs(source: Value): [Value, Value][] {
  return Array.from(iterate(source), (pair) => {
    const [key, value, ...more] = iterate(pair)
    if (key === undefined || value === undefined || more.length > 0)
      return fail('dictionary update sequence element is no pair')
    return [key, value]
  })
}

function namespace(args: Value[], keywords: Keywords): Value {
  const space = new Namespace()
  for (const [name, value] of dict(args, keywords).entries()) space.assign(str(name), value)
  return space
}

/** Gives its items one after the other, from the first again after the last. */
class Cycler extends Thing {
  readonly typeName = 'Cycler'
  readonly #items: Value[]
  #at = 0

  constructor(items: Value[]) {
    super()
    if (items.length === 0) fail('at least one item has to be provided')
    this.#items = items
  }

  override attribute(name: string): Value | undefined {
    if (name === 'current') return this.#items[this.#at]
    if (name === 'reset') {
      return new Callable('reset', () => {
        this.#at = 0
        return null
      })
    }
    if (name !== 'next') return undefined
    return new Callable('next', () => {
      const item = this.#items[this.#at] ?? null
      this.#at = (this.#at + 1) % this.#items.length
      return item
    })
  }
}

function joiner(args: Value[], keywords: Keywords): Value {
  const [separator] = bind('joiner', ['sep'], args, keywords)
  let used = false
  return new Callable('joiner', () => {
    const text = used ? (separator ?? ', ') : ''
    used = true
    return text
  })
}

function raise(args: Value[], keywords: Keywords): never {
  const [message] = bind('raise_exception', ['message'], args, keywords, 1)
  throw new TemplateFault('raised', str(message ?? null))
}

/**
 * The functions a template may call.
 * @param now what `strftime_now` shows, in local time
 */
export function globals(now: Date): [string, Value][] {
  const functions: Record<string, (args: Value[], keywords: Keywords) => Value> = {
    range,
    dict,
    namespace,
    joiner,
    cycler: (args) => new Cycler(args),
    lipsum: () => unsupported("the function 'lipsum'"),
    raise_exception: raise,
    strftime_now: (args, keywords) => {
      const [format] = bind('strftime_now', ['format'], args, keywords, 1)
      return strftime(now, textOf(format ?? null) ?? fail('strftime() argument 1 must be str'))
    },
  }
  return Object.entries(functions).map(([name, call]) => [name, new Callable(name, call)])
}
