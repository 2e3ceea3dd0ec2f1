/** A piece of shader text and what kind of word it is. */
export interface WgslToken {
  kind: 'plain' | 'comment' | 'keyword' | 'type' | 'number' | 'attribute'
  text: string
}

const KEYWORDS =
  'alias|break|case|const|const_assert|continue|continuing|default|diagnostic|discard|else|enable|false|fn|for|if|let|loop|override|requires|return|struct|switch|true|var|while'
const TYPES =
  'array|atomic|bool|f16|f32|i32|mat[234]x[234][fh]?|ptr|u32|vec[234][fhiu]?|function|private|workgroup|uniform|storage|read|read_write'

const PARTS = new RegExp(
  [
    '(?<comment>//[^\\n]*|/\\*[^]*?\\*/)',
    '(?<attribute>@\\w+)',
    `(?<keyword>\\b(?:${KEYWORDS})\\b)`,
    `(?<type>\\b(?:${TYPES})\\b)`,
    '(?<number>\\b(?:0x[\\da-fA-F]+|\\d+\\.?\\d*(?:[eE][+-]?\\d+)?)[fhiu]?\\b)',
  ].join('|'),
  'g',
)

/** Splits shader text for colouring; joining the texts gives it back. */
export function splitWgsl(text: string): WgslToken[] {
  const tokens: WgslToken[] = []
  let at = 0
  for (const match of text.matchAll(PARTS)) {
    const kind = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0]
    if (match.index > at) tokens.push({ kind: 'plain', text: text.slice(at, match.index) })
    tokens.push({ kind: (kind ?? 'plain') as WgslToken['kind'], text: match[0] })
    at = match.index + match[0].length
  }
  if (at < text.length) tokens.push({ kind: 'plain', text: text.slice(at) })
  return tokens
}

/** The dispatch grid as the kernel's own header states it; null when it does not. */
export function gridOf(text: string): string | null {
  return /^\/\/\s+grid:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? null
}
