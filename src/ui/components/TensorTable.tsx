import { useTranslate } from '../context.ts'
import type { Size } from '../draw/heatmap.ts'

export interface TensorTableProps {
  step: string
  label: string
  plane: Size
  /** First row and column on show, multiples of {@link PAGE}. */
  page: { row: number; col: number }
  /** Values of the rows on show, each `[columns]`; null for one that is still being read. */
  lines: readonly (Float32Array | null)[]
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  selectedRow: number
  cell: { row: number; col: number }
  cellIndex: number
  cellValue: number | null
  onCell: (cell: { row: number; col: number }) => void
  onPage: (page: { row: number; col: number }) => void
}

/** Rows and columns of one page. */
export const PAGE = { rows: 24, cols: 12 }

/** The page that holds a cell. */
export const pageAt = (row: number, col: number): { row: number; col: number } => ({
  row: row - (row % PAGE.rows),
  col: col - (col % PAGE.cols),
})

/** A window of the tensor as a table of numbers; arrow buttons move it. */
export function TensorTable(props: TensorTableProps) {
  const { step, label, plane, page, lines, rowLabel, colLabel, selectedRow, onPage } = props
  const { cell, cellIndex, cellValue, onCell } = props
  const t = useTranslate()
  const { row: row0, col: col0 } = page
  const rows = lines.map((_, row) => row0 + row)
  const cols = Array.from({ length: Math.min(PAGE.cols, plane.cols - col0) }, (_, col) => col0 + col)
  const move = (row: number, col: number) =>
    onPage({ row: row0 + row * PAGE.rows, col: col0 + col * PAGE.cols })
  const where = {
    row0,
    row1: row0 + rows.length - 1,
    rows: plane.rows,
    col0,
    col1: col0 + cols.length - 1,
    cols: plane.cols,
  }
  return (
    <div className="tensor-table" data-testid="tensor-view" data-step={step} role="group" aria-label={label}>
      <div className="row">
        <PageButton text="↑" off={row0 === 0} onClick={() => move(-1, 0)} />
        <PageButton text="↓" off={row0 + PAGE.rows >= plane.rows} onClick={() => move(1, 0)} />
        <PageButton text="←" off={col0 === 0} onClick={() => move(0, -1)} />
        <PageButton text="→" off={col0 + PAGE.cols >= plane.cols} onClick={() => move(0, 1)} />
        <span className="note numeric">{t('tensor.window', where)}</span>
      </div>
      <div className="tensor-scroll" tabIndex={0} role="group" aria-label={label}>
        <table>
          <caption className="visually-hidden">{label}</caption>
          <thead>
            <tr>
              <th scope="col">{t('tensor.row')}</th>
              {cols.map((col) => (
                <th key={col} scope="col" title={colLabel(col)}>
                  {col}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row} aria-current={row === selectedRow ? 'true' : undefined}>
                <th scope="row">{rowLabel(row)}</th>
                {cols.map((col) => {
                  const here = row === cell.row && col === cell.col
                  const value = lines[row - row0]?.[col]
                  return (
                    <td
                      key={col}
                      data-testid={here ? 'tensor-cell' : undefined}
                      data-index={here ? cellIndex : undefined}
                      data-value={here && cellValue !== null ? String(cellValue) : undefined}
                      className={here ? 'is-cell' : undefined}
                      title={value === undefined ? undefined : String(value)}
                      onClick={() => onCell({ row, col })}
                    >
                      {value === undefined ? '…' : value.toPrecision(5)}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function PageButton({ text, off, onClick }: { text: string; off: boolean; onClick: () => void }) {
  return (
    <button type="button" className="button button-icon" disabled={off} aria-label={text} onClick={onClick}>
      {text}
    </button>
  )
}
