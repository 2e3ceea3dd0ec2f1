/**
 * The values of a template as Python holds them: int is a bigint, float a number, str a string, list an array, None is
 * null. Everything else is a class below.
 */
export type Value =
  null | boolean | bigint | number | string | Value[] | Markup | Tuple | Dict | Undefined | Thing

/** What went wrong in a template. */
export type FaultKind =
  /** `raise_exception`: the template refuses its input. */
  | 'raised'
  | 'syntax'
  /** A value is missing or of the wrong kind: Python would have raised too. */
  | 'value'
  /** It asks for more than a template may have. */
  | 'limit'
  /** Jinja has it and this renderer has not. */
  | 'unsupported'

export class TemplateFault extends Error {
  readonly kind: FaultKind
  /** Line of the template, from 1; set where it is known. */
  line: number | undefined

  constructor(kind: FaultKind, message: string, line?: number) {
    super(message)
    this.kind = kind
    this.line = line
  }
}

export function fail(message: string): never {
  throw new TemplateFault('value', message)
}

export function exceeded(message: string): never {
  throw new TemplateFault('limit', message)
}

export function unsupported(what: string): never {
  throw new TemplateFault('unsupported', `${what} is not supported here`)
}

/** A string marked safe: `+` escapes what joins it, even where nothing else is escaped. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export class Tuple {
  readonly items: readonly Value[]
  /** Names of the items, as of a named tuple. */
  readonly names: readonly string[]
  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items
    this.names = names
  }
}

/** Key that equal Python keys share: 1, 1.0 and True are one. */
function hashOf(key: Value): unknown {
  if (typeof key === 'boolean') return Number(key)
  if (typeof key === 'bigint') return Number.isSafeInteger(Number(key)) ? Number(key) : key
  if (key === null || typeof key === 'number' || typeof key === 'string') return key
  if (key instanceof Markup) return key.text
  if (key instanceof Tuple)
    return `\0${key.items.map((item) => `${typeof item}:${String(hashOf(item))}`).join('\0')}`
  if (Array.isArray(key)) return fail("unhashable type: 'list'")
  if (key instanceof Dict) return fail("unhashable type: 'dict'")
  return key
}

/** A dict, in order of insertion. */
export class Dict {
  readonly #entries = new Map<unknown, [Value, Value]>()

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1]
  }

  has(key: Value): boolean {
    return this.#entries.has(hashOf(key))
  }

  /** A key that is there keeps its place and its first spelling. */
  set(key: Value, value: Value): void {
    const hash = hashOf(key)
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value])
  }

  entries(): [Value, Value][] {
    return [...this.#entries.values()]
  }

  keys(): Value[] {
    return this.entries().map(([key]) => key)
  }

  values(): Value[] {
    return this.entries().map(([, value]) => value)
  }
}

/** A missing value: prints as nothing, counts as empty and false, and is an error to look into or to calculate with. */
export class Undefined {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }

  refuse(): never {
    return fail(this.message)
  }
}

/** Any other object. What it leaves out, Python would refuse. */
export abstract class Thing {
  abstract readonly typeName: string

  attribute(_name: string): Value | undefined {
    return undefined
  }

  iterate?(): Iterable<Value>
  size?(): number
  item?(index: bigint): Value | undefined
  repr?(): string

  get truthy(): boolean {
    return true
  }
}

export type Keywords = Map<string, Value>

/** A function: a macro, a method bound to its object, or a global. */
export class Callable extends Thing {
  readonly typeName: string
  readonly name: string
  readonly call: (args: Value[], keywords: Keywords) => Value
  readonly #attributes: Readonly<Record<string, Value>>

  constructor(
    name: string,
    call: (args: Value[], keywords: Keywords) => Value,
    {
      typeName = 'function',
      attributes = {},
    }: { typeName?: string; attributes?: Record<string, Value> } = {},
  ) {
    super()
    this.name = name
    this.call = call
    this.typeName = typeName
    this.#attributes = attributes
  }

  override attribute(name: string): Value | undefined {
    return Object.hasOwn(this.#attributes, name) ? this.#attributes[name] : undefined
  }
}

export class Namespace extends Thing {
  readonly typeName = 'Namespace'
  readonly values = new Map<string, Value>()

  override attribute(name: string): Value | undefined {
    return this.values.get(name)
  }

  assign(name: string, value: Value): void {
    if (name.startsWith('_')) fail(`a namespace cannot have an attribute named '${name}'`)
    this.values.set(name, value)
  }
}

/** What a Python generator is: gone through once, without length, always true. */
export class Stream extends Thing {
  readonly typeName = 'generator'
  readonly #iterator: Iterator<Value>

  constructor(items: Iterable<Value>) {
    super()
    this.#iterator = items[Symbol.iterator]()
  }

  override iterate(): Iterable<Value> {
    const iterator = this.#iterator
    // A loop that is left early must not close the generator, so that the next one goes on from there.
    return { [Symbol.iterator]: () => ({ next: () => iterator.next() }) }
  }
}

export class Range extends Thing {
  readonly typeName = 'range'
  readonly start: bigint
  readonly stop: bigint
  readonly step: bigint

  constructor(start: bigint, stop: bigint, step: bigint) {
    super()
    this.start = start
    this.stop = stop
    this.step = step
  }

  override size(): number {
    const { start, stop, step } = this
    const span = step > 0n ? stop - start : start - stop
    const stride = step > 0n ? step : -step
    return span <= 0n ? 0 : Number((span + stride - 1n) / stride)
  }

  override *iterate(): Iterable<Value> {
    const { start, stop, step } = this
    for (let i = start; step > 0n ? i < stop : i > stop; i += step) yield i
  }

  override item(index: bigint): Value | undefined {
    const size = BigInt(this.size())
    const at = index < 0n ? index + size : index
    return at < 0n || at >= size ? undefined : this.start + at * this.step
  }

  override repr(): string {
    return this.step === 1n
      ? `range(${this.start}, ${this.stop})`
      : `range(${this.start}, ${this.stop}, ${this.step})`
  }

  override get truthy(): boolean {
    return this.size() > 0
  }
}

/** `keys()`, `values()` or `items()` of a dict. */
export class DictView extends Thing {
  readonly typeName: string
  readonly items: readonly Value[]

  constructor(kind: 'keys' | 'values' | 'items', dict: Dict) {
    super()
    this.typeName = `dict_${kind}`
    this.items = kind === 'items' ? dict.entries().map((entry) => new Tuple(entry)) : dict[kind]()
  }

  override iterate(): Iterable<Value> {
    return this.items
  }

  override size(): number {
    return this.items.length
  }

  override get truthy(): boolean {
    return this.items.length > 0
  }
}

/** A value from JSON or from a caller as Python would hold it: whole numbers are int. */
export function fromJson(value: unknown): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    return new Dict(entries.map(([key, item]) => [key, fromJson(item)]))
  }
  return fail(`a ${typeof value} cannot be given to a template`)
}
