import { fail, type Keywords, type Value } from './values.ts'

/** Arguments in the order of a signature's names; undefined where none was given. */
export type Bound = (Value | undefined)[]

/**
 * Matches positional and named arguments with a signature, as Python does.
 * @param required how many of the names need a value
 */
export function bind(
  name: string,
  parameters: readonly string[],
  args: readonly Value[],
  keywords: Keywords,
  required = 0,
): Bound {
  if (args.length > parameters.length) {
    fail(`${name}() takes at most ${parameters.length} arguments (${args.length} given)`)
  }
  const bound: Bound = parameters.map((_, i) => args[i])
  for (const [key, value] of keywords) {
    const at = parameters.indexOf(key)
    if (at < 0) fail(`${name}() got an unexpected keyword argument '${key}'`)
    if (at < args.length) fail(`${name}() got multiple values for argument '${key}'`)
    bound[at] = value
  }
  const missing = bound.slice(0, required).findIndex((value) => value === undefined)
  if (missing >= 0) fail(`${name}() missing 1 required argument: '${parameters[missing]}'`)
  return bound
}
