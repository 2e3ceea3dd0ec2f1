import { isObject, refuse, type JsonRecord } from './parts.ts'
import type { AddedToken } from './tokenizerFile.ts'
import { readSpecialTokens, type SpecialTokens } from './specialTokens.ts'

const FILE = 'tokenizer_config.json'

/** Classes that Transformers builds from other files: what their config declares is not about tokenizer.json. */
const OF_OTHER_FILES = new Set<unknown>(['MarianTokenizer'])

interface Declared {
  content: string
  fields: JsonRecord
}

function declaredTokens(config: JsonRecord): Declared[] {
  const value = config['added_tokens_decoder']
  if (value === undefined || value === null) return []
  if (!isObject(value)) return refuse('added_tokens_decoder', value, 'an object of id: token', { file: FILE })
  return Object.entries(value)
    .sort(([a], [b]) => Number(a) - Number(b))
    .flatMap(([id, fields]) => {
      const content = isObject(fields) ? fields['content'] : fields
      if (typeof content !== 'string')
        return refuse(`added_tokens_decoder[${id}]`, fields, 'a token', { file: FILE })
      return content === '' ? [] : [{ content, fields: isObject(fields) ? fields : {} }]
    })
}

function extraSpecial(config: JsonRecord): string[] {
  const lists = [config['additional_special_tokens'], config['extra_special_tokens']]
  return lists.flatMap((list) => {
    const items: unknown[] = Array.isArray(list) ? list : isObject(list) ? Object.values(list) : []
    return items.flatMap((item) => {
      const content = isObject(item) ? item['content'] : item
      return typeof content === 'string' && content !== '' ? [content] : []
    })
  })
}

/**
 * Tokens that tokenizer_config.json and special_tokens_map.json add to the file's, as Transformers adds them: what the
 * file knows keeps its id and takes the flags given here, what it does not know goes behind the last id, whatever id it
 * is listed under.
 * @param tokenIds id by spelling
 * @param next the first free id
 */
export function configTokens(
  config: JsonRecord,
  map: JsonRecord,
  tokenIds: ReadonlyMap<string, number>,
  next: number,
): (JsonRecord & AddedToken)[] {
  if (OF_OTHER_FILES.has(config['tokenizer_class'])) return []
  const declared = declaredTokens(config)
  const listed = new Set(declared.map(({ content }) => content))
  const roles: SpecialTokens = readSpecialTokens(config, map)
  const special = [...Object.values(roles), ...extraSpecial(config), ...extraSpecial(map)]
  const missing = [...new Set(special)].filter((content) => !listed.has(content) && !tokenIds.has(content))
  const added: Declared[] = missing.map((content) => ({ content, fields: { special: true } }))
  const named = new Set<string>(Object.values(roles))
  let free = next
  return [...declared, ...added].map(({ content, fields }) => {
    const id = tokenIds.get(content) ?? free++
    const isSpecial = fields['special'] === true || named.has(content)
    return { ...fields, id, content, normalized: fields['normalized'] ?? false, special: isSpecial }
  })
}

/** The post-processor that `add_bos_token` and `add_eos_token` ask for; the file's own where they say nothing. */
export function configPostProcessor(config: JsonRecord, roles: SpecialTokens, fallback: unknown): unknown {
  const { add_bos_token: bos, add_eos_token: eos } = config
  if (typeof bos !== 'boolean' && typeof eos !== 'boolean') return fallback
  const token = (wanted: unknown, content: string | undefined) =>
    wanted === true && content !== undefined ? [{ SpecialToken: { id: content, type_id: 0 } }] : []
  const single = [
    ...token(bos, roles.bos_token),
    { Sequence: { id: 'A', type_id: 0 } },
    ...token(eos, roles.eos_token),
  ]
  return { type: 'TemplateProcessing', single, pair: [] }
}
