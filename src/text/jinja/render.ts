import { FILTERS } from './filters.ts'
import { globals } from './globals.ts'
import { Interpreter } from './interpreter.ts'
import { Scope } from './scope.ts'
import { parseTemplate } from './statements.ts'
import { TESTS } from './tests.ts'
import { fromJson, TemplateFault } from './values.ts'

/** Characters a template may produce. */
const MAX_OUTPUT = 4 * 2 ** 20
const NAMES = { filters: new Set(FILTERS.keys()), tests: new Set(TESTS.keys()) }

/**
 * Renders a template as Jinja 3.1 does in the environment of Transformers: `trim_blocks`, `lstrip_blocks`, loop
 * controls, `generation` blocks, its `tojson`, `raise_exception` and `strftime_now`.
 * Throws `TemplateFault` with the line where it is known.
 * @param variables plain data, as JSON has it
 */
export function renderTemplate(template: string, variables: Record<string, unknown>, now: Date): string {
  const body = parseTemplate(template, NAMES)
  const scope = new Scope()
  for (const [name, value] of globals(now)) scope.set(name, value)
  const top = new Scope(scope)
  for (const [name, value] of Object.entries(variables)) top.set(name, fromJson(value))
  const interpreter = new Interpreter(MAX_OUTPUT)
  try {
    return interpreter.render(body, top)
  } catch (error) {
    if (error instanceof TemplateFault) error.line ??= interpreter.line
    throw error
  }
}
