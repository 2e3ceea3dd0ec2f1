import { parseCsv, separatorOf, type CsvRow } from './csv.ts'
import {
  isProblem,
  parseJson,
  readRecord,
  recogniseKeys,
  type Problem,
  type RecordKind,
  type TrainRecord,
} from './records.ts'

export type DataFormat = 'jsonl' | 'json' | 'csv' | 'text'

/** An example with the number of the line it begins on, 1-based. */
export interface PlacedRecord {
  line: number
  record: TrainRecord
}

export interface BadLine {
  line: number
  problem: Problem
}

/** A pasted or dropped text as examples. Every line is in one of the two lists, or empty. */
export interface ParsedData {
  format: DataFormat
  /** Kinds of examples that were found, in the order they came. */
  kinds: readonly RecordKind[]
  /** Columns as they are named there; none of plain text. */
  columns: readonly string[]
  records: readonly PlacedRecord[]
  bad: readonly BadLine[]
}

/** The format a file's name says; null where it says nothing. */
function formatOfName(name: string): DataFormat | null {
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  if (ending === 'jsonl' || ending === 'ndjson') return 'jsonl'
  if (ending === 'csv' || ending === 'tsv') return 'csv'
  return ending === 'json' ? 'json' : ending === 'txt' || ending === 'md' ? 'text' : null
}

/** The format of a text, by its beginning: an object a line, a list, a table with columns we know, else prose. */
export function formatOf(text: string, name = ''): DataFormat {
  const named = formatOfName(name)
  if (named === 'csv' || named === 'text') return named
  const trimmed = text.trimStart()
  if (trimmed.startsWith('[') && Array.isArray(parseJson(trimmed))) return 'json'
  if (trimmed.startsWith('{')) return 'jsonl'
  if (named !== null) return named
  const [first = ''] = trimmed.split(/\r?\n/, 1)
  const [header] = parseCsv(first, separatorOf(first)).rows
  const isTable = trimmed.includes('\n') && header !== undefined && recogniseKeys(header.cells) !== null
  return isTable ? 'csv' : 'text'
}

/** Reads examples out of a text; what is no example is named with its line. */
export function parseData(text: string, name = ''): ParsedData {
  const clean = text.replace(/^\uFEFF/, '')
  const format = formatOf(clean, name)
  switch (format) {
    case 'jsonl':
      return collect(format, objectLines(clean))
    case 'json': {
      const list = parseJson(clean)
      const items: unknown[] = Array.isArray(list) ? list : [undefined]
      return collect(
        format,
        // A list has no line of its own for each entry: its number stands for it.
        items.map((value, at) => ({ line: at + 1, value })),
      )
    }
    case 'csv':
      return parseTable(clean)
    case 'text':
      return { format, kinds: ['text'], columns: [], records: paragraphs(clean), bad: [] }
  }
}

interface PlacedValue {
  line: number
  value: unknown
}

function objectLines(text: string): PlacedValue[] {
  return text
    .split(/\r?\n/)
    .flatMap((line, at) => (line.trim() === '' ? [] : [{ line: at + 1, value: parseJson(line) }]))
}

function collect(format: DataFormat, values: readonly PlacedValue[]): ParsedData {
  const records: PlacedRecord[] = []
  const bad: BadLine[] = []
  const columns = new Set<string>()
  for (const { line, value } of values) {
    const read = readRecord(value)
    if (isProblem(read)) bad.push({ line, problem: read })
    else {
      records.push({ line, record: read })
      const recognised = recogniseKeys(Object.keys(value as object))
      for (const key of Object.values(recognised?.keys ?? {})) columns.add(key)
    }
  }
  const kinds = [...new Set(records.map(({ record }) => record.kind))]
  return { format, kinds, columns: [...columns], records, bad }
}

function parseTable(text: string): ParsedData {
  const separator = separatorOf(text.trimStart().split(/\r?\n/, 1)[0] ?? '')
  const { rows, unclosed } = parseCsv(text, separator)
  const [header, ...lines] = rows
  const names = header?.cells.map((name) => name.trim()) ?? []
  if (recogniseKeys(names) === null) {
    const problem: Problem = { kind: 'columns', values: { found: names.join(', ') || '—' } }
    return {
      format: 'csv',
      kinds: [],
      columns: names,
      records: [],
      bad: [{ line: header?.line ?? 1, problem }],
    }
  }
  const values: PlacedValue[] = []
  const bad: BadLine[] = []
  for (const row of lines) {
    const problem = problemOfRow(row, names.length, unclosed)
    if (problem === null)
      values.push({
        line: row.line,
        value: Object.fromEntries(names.map((name, at) => [name, row.cells[at]])),
      })
    else bad.push({ line: row.line, problem })
  }
  const read = collect('csv', values)
  return { ...read, bad: [...bad, ...read.bad].sort((a, b) => a.line - b.line) }
}

/** The row in which a quote stays open has swallowed all that follows it. */
function problemOfRow({ line, cells }: CsvRow, columns: number, unclosed: number | null): Problem | null {
  if (unclosed !== null && line <= unclosed && unclosed <= line + (cells.join('').split('\n').length - 1))
    return { kind: 'quote', values: { line: unclosed } }
  return cells.length === columns ? null : { kind: 'cells', values: { got: cells.length, expected: columns } }
}

/** One example a paragraph: empty lines part them. */
function paragraphs(text: string): PlacedRecord[] {
  const records: PlacedRecord[] = []
  let lines: string[] = []
  let first = 0
  const end = (): void => {
    if (lines.length > 0) records.push({ line: first, record: { kind: 'text', text: lines.join('\n') } })
    lines = []
  }
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') {
      end()
      continue
    }
    if (lines.length === 0) first = at + 1
    lines.push(line)
  }
  end()
  return records
}
