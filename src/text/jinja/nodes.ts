import type { Arithmetic, Ordering } from './operators.ts'
import type { Value } from './values.ts'

export interface CallArguments {
  args: Expression[]
  keywords: [string, Expression][]
  /** `*args` and `**kwargs`. */
  spread: Expression | null
  spreadKeywords: Expression | null
}

export type ComparisonOperator = Ordering | '==' | '!=' | 'in' | 'not in'

export type Expression =
  | { type: 'const'; value: Value }
  | { type: 'name'; name: string }
  | { type: 'list'; items: Expression[] }
  | { type: 'tuple'; items: Expression[] }
  | { type: 'dict'; entries: [Expression, Expression][] }
  | { type: 'attribute'; object: Expression; name: string }
  | { type: 'item'; object: Expression; key: Expression }
  | {
      type: 'slice'
      object: Expression
      start: Expression | null
      stop: Expression | null
      step: Expression | null
    }
  | { type: 'call'; callee: Expression; call: CallArguments }
  /** The input is null inside a `filter` block. */
  | { type: 'filter'; input: Expression | null; name: string; call: CallArguments }
  | { type: 'test'; input: Expression; name: string; call: CallArguments }
  | { type: 'not'; value: Expression }
  | { type: 'sign'; negative: boolean; value: Expression }
  | { type: 'and' | 'or'; left: Expression; right: Expression }
  | { type: 'arithmetic'; sign: Arithmetic; left: Expression; right: Expression }
  | { type: 'concat'; items: Expression[] }
  | { type: 'compare'; first: Expression; rest: [ComparisonOperator, Expression][] }
  | { type: 'condition'; test: Expression; chosen: Expression; otherwise: Expression | null }

export type AssignmentTarget =
  | { type: 'name'; name: string }
  | { type: 'member'; name: string; member: string }
  | { type: 'targets'; items: AssignmentTarget[] }

export interface Parameters {
  names: string[]
  /** Defaults of the last parameters. */
  defaults: Expression[]
}

type Kind =
  | { type: 'data'; text: string }
  | { type: 'output'; value: Expression }
  | { type: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[] }
  | {
      type: 'for'
      target: AssignmentTarget
      source: Expression
      filter: Expression | null
      recursive: boolean
      body: Statement[]
      otherwise: Statement[]
    }
  | { type: 'set'; target: AssignmentTarget; value: Expression }
  | { type: 'capture'; target: AssignmentTarget; filter: Expression | null; body: Statement[] }
  | { type: 'with'; assignments: [AssignmentTarget, Expression][]; body: Statement[] }
  | { type: 'macro'; name: string; parameters: Parameters; body: Statement[] }
  | { type: 'callBlock'; callee: Expression; call: CallArguments; parameters: Parameters; body: Statement[] }
  | { type: 'filterBlock'; filter: Expression; body: Statement[] }
  /** A part with names of its own; `generation` and `block` are such. */
  | { type: 'scope'; body: Statement[] }
  | { type: 'break' | 'continue' }

/** A statement with the line it begins on. */
export type Statement = Kind & { line: number }
