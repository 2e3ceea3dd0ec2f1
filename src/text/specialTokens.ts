import { isObject, type JsonRecord } from './parts.ts'

const NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const

/** Spellings by role; a role without a name is absent. */
export type SpecialTokens = Partial<Record<(typeof NAMES)[number], string>>

/** Reads the roles from the given files, the first that names one winning. Tokens stand as strings or as objects. */
export function readSpecialTokens(...files: readonly JsonRecord[]): SpecialTokens {
  const tokens: SpecialTokens = {}
  for (const name of NAMES) {
    for (const file of files) {
      const value = file[name]
      const token = isObject(value) ? value['content'] : value
      if (typeof token !== 'string' || token === '') continue
      tokens[name] = token
      break
    }
  }
  return tokens
}

/** Ids in generation_config.json's `bos_token_id` or `eos_token_id`: absent, one or several. */
export function readIds(value: unknown, size: number): number[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.filter(
    (id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < size,
  )
}
