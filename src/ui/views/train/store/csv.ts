/** A line of a table, with the number of the line it begins on. */
export interface CsvRow {
  /** 1-based. */
  line: number
  cells: readonly string[]
}

export interface CsvTable {
  rows: readonly CsvRow[]
  /** Line on which a quote opens that never closes; null when all do. */
  unclosed: number | null
}

/** The separator of a first line: a tab where there is one, else whichever of comma and semicolon it has more of. */
export function separatorOf(line: string): string {
  if (line.includes('\t')) return '\t'
  const count = (sign: string): number => line.split(sign).length - 1
  return count(';') > count(',') ? ';' : ','
}

/** Reads a table as RFC 4180 spells it: quoted cells may hold separators, line ends and doubled quotes. Empty lines are passed over. */
export function parseCsv(text: string, separator: string): CsvTable {
  const rows: CsvRow[] = []
  let cells: string[] = []
  let [cell, line, first] = ['', 1, 1]
  let quoted: number | null = null
  const endRow = (): void => {
    cells.push(cell)
    if (cells.some((one) => one !== '')) rows.push({ line: first, cells })
    cells = []
    cell = ''
  }
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ''
    if (sign === '\n') line += 1
    if (quoted !== null) {
      if (sign !== '"') cell += sign
      else if (text[at + 1] === '"') {
        cell += '"'
        at += 1
      } else quoted = null
    } else if (sign === '"' && cell === '') quoted = line
    else if (sign === separator) {
      cells.push(cell)
      cell = ''
    } else if (sign === '\n') {
      endRow()
      first = line
    } else if (sign !== '\r' || text[at + 1] !== '\n') cell += sign
  }
  endRow()
  return { rows, unclosed: quoted }
}
