/** Names of characters that a text is likely to hold. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  times: '×',
  deg: '°',
  rarr: '→',
  larr: '←',
}

const MAX_POINT = 0x10ffff

/** Text with its character references resolved; unknown ones stay as they are written. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));/gi, (match, hex, decimal, name) => {
    if (typeof name === 'string') return NAMED[name] ?? match
    const point = typeof hex === 'string' ? parseInt(hex, 16) : Number(decimal)
    return point > 0 && point <= MAX_POINT ? String.fromCodePoint(point) : '\ufffd'
  })
}

/** An address that may be linked to; null for scripts, data and whatever is not of the web. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null
  const { protocol } = new URL(href)
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : null
}
