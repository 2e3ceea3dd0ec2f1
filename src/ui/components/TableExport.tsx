import { writeTable, type TableCell } from '../draw/tensorFiles.ts'
import { useTranslate } from '../context.ts'
import { Icon } from './Icon.tsx'
import { saveFile } from './saveFile.ts'

interface TableExportProps {
  /** What is listed: the name of the file. */
  name: string
  /** Names of the columns, in English as they stand in the library. */
  columns: readonly string[]
  rows: () => readonly (readonly TableCell[])[]
}

/** Saves the numbers that a view shows as a table of comma-separated values. */
export function TableExport({ name, columns, rows }: TableExportProps) {
  const t = useTranslate()
  return (
    <span className="exports">
      <Icon name="download" />
      <button
        type="button"
        className="button button-quiet button-small"
        data-testid={`table-export-${name}`}
        aria-label={t('tensor.export', { format: `${name}.csv` })}
        title={t('tensor.export', { format: `${name}.csv` })}
        onClick={() => saveFile({ name: `${name}.csv`, blob: writeTable(columns, rows()) })}
      >
        csv
      </button>
    </span>
  )
}
