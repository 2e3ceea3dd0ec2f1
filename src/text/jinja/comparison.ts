import type { ComparisonOperator } from './nodes.ts'
import { contains, equals, ordered } from './operators.ts'
import type { Value } from './values.ts'

/** Whether `left sign right` is true. */
export function holds(left: Value, sign: ComparisonOperator, right: Value): boolean {
  switch (sign) {
    case '==':
      return equals(left, right)
    case '!=':
      return !equals(left, right)
    case 'in':
      return contains(right, left)
    case 'not in':
      return !contains(right, left)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(left, right, sign)
  }
}
