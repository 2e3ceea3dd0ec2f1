import type { ChatOptions, ChatTemplateInfo } from '../../../api/chat.ts'
import { TokenscopeError } from '../../../errors.ts'

/** What a person sets for the template, as it stands in the fields. */
export interface TemplateFields {
  system: string
  /** JSON. */
  tools: string
  /** JSON. */
  documents: string
  /** Local date and time as a field for them spells it; empty for the present. */
  now: string
  /** Other variables; those without a value are left to the template. */
  variables: Readonly<Record<string, string | boolean>>
}

export const EMPTY_FIELDS: TemplateFields = { system: '', tools: '', documents: '', now: '', variables: {} }

/** Variables that have fields of their own, or that the page sets. */
const KNOWN = new Set(['messages', 'tools', 'documents', 'add_generation_prompt', 'continue_final_message'])

/** A variable of the template that a person may set. */
export interface VariableField {
  name: string
  kind: 'switch' | 'text'
  /** Values that the template itself names. */
  suggestions: readonly string[]
}

const SWITCH = /^(enable|disable|use|keep|skip|drop|add|clear|preserve|truncate|is|has)_|thinking$/

/** Variables the model's template reads beyond messages, tools and special tokens. */
export function variableFields({ reads, specialTokens }: ChatTemplateInfo): VariableField[] {
  return (reads?.variables ?? [])
    .filter(({ name }) => !KNOWN.has(name) && !(name in specialTokens) && !name.endsWith('_token'))
    .map(({ name, values }) => {
      const isSwitch =
        values.length > 0 ? values.every((value) => typeof value === 'boolean') : SWITCH.test(name)
      const suggestions = values.flatMap((value) => (typeof value === 'boolean' ? [] : [String(value)]))
      return { name, kind: isSwitch ? 'switch' : 'text', suggestions }
    })
}

function parseList(text: string, field: string): readonly unknown[] | undefined {
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw notList(field, error instanceof Error ? error.message : String(error))
  }
  if (!Array.isArray(value)) throw notList(field, typeof value)
  return value
}

function notList(field: string, got: string): TokenscopeError {
  return new TokenscopeError('bad-argument', `${field} is no JSON list: ${got}.`, {
    hint: 'Write a list in brackets, such as [{"type": "function", "function": {"name": "now"}}].',
    details: { field, got, expected: 'a JSON list' },
  })
}

/** A number or other JSON where the text is that, else the text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** The fields as a template takes them. Throws `bad-argument` for lists that are none. */
export function readOptions({ tools, documents, now, variables }: TemplateFields): ChatOptions {
  const set = Object.entries(variables).filter(([, value]) => value !== '')
  return {
    tools: parseList(tools, 'tools'),
    documents: parseList(documents, 'documents'),
    now: now === '' ? undefined : new Date(now),
    kwargs: Object.fromEntries(
      set.map(([name, value]) => [name, typeof value === 'boolean' ? value : valueOf(value)]),
    ),
  }
}
