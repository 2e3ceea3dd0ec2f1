import { isObject, refuse } from './parts.ts'

/** A model's templates by name; one without a name is `default`. */
export type Templates = ReadonlyMap<string, string>

/** The `chat_template` of tokenizer_config.json: one string, or a list of named ones. Throws `bad-file` for anything else. */
export function readTemplates(value: unknown): Templates {
  if (value === null) return new Map()
  if (typeof value === 'string') return new Map([['default', value]])
  const file = 'tokenizer_config.json'
  if (!Array.isArray(value))
    return refuse('chat_template', value, 'a string or a list of named templates', { file })
  return new Map(
    value.filter(isObject).flatMap(({ name, template }) => {
      return typeof name === 'string' && typeof template === 'string' ? [[name, template] as const] : []
    }),
  )
}
