import { Undefined, type Value } from './values.ts'

/** Names in force at one place of a template: those set there, then those around it. */
export class Scope {
  readonly #names = new Map<string, Value>()
  readonly #parent: Scope | null

  constructor(parent: Scope | null = null) {
    this.#parent = parent
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value)
  }

  find(name: string): Value | undefined {
    const value = this.#names.get(name)
    return value === undefined && this.#parent !== null ? this.#parent.find(name) : value
  }

  get(name: string): Value {
    const value = this.find(name)
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value
  }
}
