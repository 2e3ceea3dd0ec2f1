import { useState } from 'react'
import { useTranslate } from '../context.ts'
import type { Plane } from '../draw/heatmap.ts'

interface TensorTableProps {
  step: string
  label: string
  plane: Plane
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  selectedRow: number
  cell: { row: number; col: number }
  cellIndex: number
  cellValue: number
  onCell: (cell: { row: number; col: number }) => void
}

const ROWS = 24
const COLS = 12

/** The window of `size` cells that holds `at`, whole windows from the start. */
const pageOf = (at: number, size: number): number => Math.floor(at / size) * size

/** A window of the tensor as a table of numbers; arrow buttons move it. */
export function TensorTable(props: TensorTableProps) {
  const { step, label, plane, rowLabel, colLabel, selectedRow, cell, cellIndex, cellValue, onCell } = props
  const t = useTranslate()
  const [page, setPage] = useState({ row: pageOf(cell.row, ROWS), col: pageOf(cell.col, COLS) })
  const row0 = Math.min(page.row, pageOf(plane.rows - 1, ROWS))
  const col0 = Math.min(page.col, pageOf(plane.cols - 1, COLS))
  const rows = Array.from({ length: Math.min(ROWS, plane.rows - row0) }, (_, row) => row0 + row)
  const cols = Array.from({ length: Math.min(COLS, plane.cols - col0) }, (_, col) => col0 + col)
  const valueAt = (row: number, col: number) =>
    plane.data[plane.offset + row * plane.cols + col] ?? Number.NaN
  const move = (row: number, col: number) => setPage({ row: row0 + row * ROWS, col: col0 + col * COLS })
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
      <div className="tensor-pages">
        <PageButton text="↑" off={row0 === 0} onClick={() => move(-1, 0)} />
        <PageButton text="↓" off={row0 + ROWS >= plane.rows} onClick={() => move(1, 0)} />
        <PageButton text="←" off={col0 === 0} onClick={() => move(0, -1)} />
        <PageButton text="→" off={col0 + COLS >= plane.cols} onClick={() => move(0, 1)} />
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
                  const value = valueAt(row, col)
                  return (
                    <td
                      key={col}
                      data-testid={here ? 'tensor-cell' : undefined}
                      data-index={here ? cellIndex : undefined}
                      data-value={here ? String(cellValue) : undefined}
                      className={here ? 'is-cell' : undefined}
                      title={String(value)}
                      onClick={() => onCell({ row, col })}
                    >
                      {value.toPrecision(5)}
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
