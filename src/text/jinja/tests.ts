import { isLower, isUpper } from './characterKinds.ts'
import { FILTERS } from './filters.ts'
import { arithmetic, contains, equals, iterable, numeric, ordered, sizeOf } from './operators.ts'
import { str, textOf } from './pythonText.ts'
import { Callable, Dict, fail, Markup, Range, Thing, Undefined, type Keywords, type Value } from './values.ts'

type Test = (value: Value, args: Value[], keywords: Keywords) => boolean

const unary =
  (name: string, test: (value: Value) => boolean): Test =>
  (value, args, keywords) =>
    args.length + keywords.size > 0 ? fail(`the test '${name}' takes no arguments`) : test(value)

const binary =
  (name: string, test: (value: Value, other: Value) => boolean): Test =>
  (value, args, keywords) => {
    const [other] = args.length > 0 ? args : [...keywords.values()]
    if (other === undefined || args.length + keywords.size > 1)
      return fail(`the test '${name}' takes one argument`)
    return test(value, other)
  }

function remainder(value: Value, by: Value): Value {
  return arithmetic('%', value, by)
}

function isSequence(value: Value): boolean {
  if (value instanceof Thing) return value instanceof Range
  return sizeOf(value) !== null
}

/** Whether two values are one object; texts and numbers of equal value count as one. */
function isSame(a: Value, b: Value): boolean {
  return a === b || (a instanceof Undefined && b instanceof Undefined)
}

const UNARY: Readonly<Record<string, (value: Value) => boolean>> = {
  odd: (value) => equals(remainder(value, 2n), 1n),
  even: (value) => equals(remainder(value, 2n), 0n),
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'number',
  number: (value) => numeric(value) !== null,
  string: (value) => textOf(value) !== null,
  lower: (value) => isLower(str(value)),
  upper: (value) => isUpper(str(value)),
  mapping: (value) => value instanceof Dict,
  sequence: isSequence,
  iterable: (value) => iterable(value) !== null,
  callable: (value) => value instanceof Callable,
  escaped: (value) => value instanceof Markup,
  filter: (value) => typeof value === 'string' && FILTERS.has(value),
  test: (value) => typeof value === 'string' && TESTS.has(value),
}

const equal = (value: Value, other: Value) => equals(value, other)
const unequal = (value: Value, other: Value) => !equals(value, other)
const BINARY: Readonly<Record<string, (value: Value, other: Value) => boolean>> = {
  divisibleby: (value, by) => equals(remainder(value, by), 0n),
  sameas: isSame,
  in: (value, container) => contains(container, value),
  '==': equal,
  eq: equal,
  equalto: equal,
  '!=': unequal,
  ne: unequal,
  ...Object.fromEntries(
    (
      [
        ['<', ['lt', 'lessthan']],
        ['<=', ['le']],
        ['>', ['gt', 'greaterthan']],
        ['>=', ['ge']],
      ] as const
    ).flatMap(([sign, names]) =>
      [sign, ...names].map((name) => [name, (value: Value, other: Value) => ordered(value, other, sign)]),
    ),
  ),
}

/** Jinja's own tests. */
export const TESTS: ReadonlyMap<string, Test> = new Map([
  ...Object.entries(UNARY).map(([name, test]) => [name, unary(name, test)] as const),
  ...Object.entries(BINARY).map(([name, test]) => [name, binary(name, test)] as const),
])
