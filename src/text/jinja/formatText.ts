import { element, member } from './attributes.ts'
import { formatValue } from './numberFormat.ts'
import { repr, str } from './pythonText.ts'
import { fail, unsupported, type Keywords, type Value } from './values.ts'

const FIELD =
  /\{\{|\}\}|\{(?<name>[^{}!:[.]*)(?<path>(?:\.[^{}!:[.]+|\[[^\]]+\])*)(?:!(?<conversion>[rsa]))?(?::(?<spec>(?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g
const STEP = /\.([^.[]+)|\[([^\]]+)\]/g

/** Python's `str.format`. */
export function formatText(pattern: string, args: readonly Value[], keywords: Keywords): string {
  let automatic = 0
  const find = (name: string): Value => {
    const key = name === '' ? String(automatic++) : name
    const value = /^\d+$/.test(key) ? args[Number(key)] : keywords.get(key)
    return value === undefined ? fail(`a format has no value for '${key}'`) : value
  }
  const fill = (text: string): string =>
    text.replace(FIELD, (match, ...rest) => {
      if (match === '{{') return '{'
      if (match === '}}') return '}'
      if (match === '{' || match === '}') return fail(`Single '${match}' encountered in format string`)
      const groups = rest.at(-1) as Record<string, string | undefined>
      let value = find(groups['name'] ?? '')
      for (const [, name, key] of (groups['path'] ?? '').matchAll(STEP)) {
        value =
          name === undefined
            ? element(value, /^\d+$/.test(key ?? '') ? BigInt(key ?? '') : (key ?? ''))
            : member(value, name)
      }
      const spec = groups['spec'] === undefined ? '' : fill(groups['spec'])
      const conversion = groups['conversion']
      if (conversion === 'a') return unsupported('the conversion !a')
      if (conversion === undefined) return formatValue(value, spec)
      return formatValue(conversion === 'r' ? repr(value) : str(value), spec)
    })
  return fill(pattern)
}
