import { bind } from './arguments.ts'
import { equals, sizeOf } from './operators.ts'
import { Callable, fail, Thing, Tuple, Undefined, type Value } from './values.ts'

/** `loop` inside a `for`. It looks ahead only when the template asks, as conditions may change with what the body sets. */
export class LoopContext extends Thing {
  readonly typeName = 'LoopContext'
  /** Runs the loop again over other items, for `recursive` ones. */
  recurse: ((items: Value) => string) | null = null
  /** Whether there was any item. */
  entered = false

  readonly #depth: number
  #iterator: Iterator<Value>
  #index = -1
  #length: number | null
  #previous: Value | undefined
  #current: Value | undefined
  /** Items read ahead of their turn. */
  #ahead: Value[] = []
  #lastChanged: Value[] | null = null

  constructor(items: Iterable<Value>, source: Value, filtered: boolean, depth: number) {
    super()
    this.#iterator = items[Symbol.iterator]()
    this.#length = filtered ? null : sizeOf(source)
    this.#depth = depth
  }

  *run(): Generator<Value> {
    for (let item = this.#shift(); item !== undefined; item = this.#shift()) {
      this.entered = true
      this.#previous = this.#current
      this.#current = item
      this.#index++
      yield item
    }
  }

  #shift(): Value | undefined {
    if (this.#ahead.length > 0) return this.#ahead.shift()
    const next = this.#iterator.next()
    return next.done === true ? undefined : next.value
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) {
      const next = this.#iterator.next()
      if (next.done !== true) this.#ahead.push(next.value)
    }
    return this.#ahead[0]
  }

  #next(): Value {
    const next = this.#peek()
    return next === undefined ? new Undefined('there is no next item') : next
  }

  #total(): number {
    if (this.#length === null) {
      for (let next = this.#iterator.next(); next.done !== true; next = this.#iterator.next()) {
        this.#ahead.push(next.value)
      }
      this.#length = this.#index + 1 + this.#ahead.length
    }
    return this.#length
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return BigInt(this.#index + 1)
      case 'index0':
        return BigInt(this.#index)
      case 'first':
        return this.#index === 0
      case 'last':
        return this.#peek() === undefined
      case 'length':
        return BigInt(this.#total())
      case 'revindex':
        return BigInt(this.#total() - this.#index)
      case 'revindex0':
        return BigInt(this.#total() - this.#index - 1)
      case 'depth':
        return BigInt(this.#depth + 1)
      case 'depth0':
        return BigInt(this.#depth)
      case 'previtem':
        return this.#index === 0 ? new Undefined('there is no previous item') : this.#previous
      case 'nextitem':
        return this.#next()
      case 'cycle':
        return new Callable('cycle', (args) => this.#cycle(args))
      case 'changed':
        return new Callable('changed', (args) => this.#changed(args))
      default:
        return undefined
    }
  }

  /** `loop(items)` of a recursive loop. */
  again(args: Value[]): Value {
    const [items] = bind('loop', ['iterable'], args, new Map(), 1)
    if (this.recurse === null)
      return fail("The loop must have the 'recursive' marker to be called recursively.")
    return this.recurse(items ?? null)
  }

  override size(): number {
    return this.#total()
  }

  #cycle(args: Value[]): Value {
    if (args.length === 0) return fail('no items for cycling given')
    return args[this.#index % args.length] ?? null
  }

  #changed(args: Value[]): boolean {
    const previous = this.#lastChanged
    this.#lastChanged = args
    return previous === null || !equals(new Tuple(previous), new Tuple(args))
  }
}
