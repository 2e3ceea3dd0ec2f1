// Matrices of the flat buffer, for Adafactor (Shazeer & Stern 2018): rows and columns of all of them are numbered on.
//   tables: MATRIX_WORDS words a matrix (first element, rows, columns, number of its first row, of its first column), then the matrix of
//   each row, then that of each column
const MATRIX_WORDS = 8u;
@group(0) @binding(6) var<storage, read> tables: array<u32>;

struct Factored {
  at: u32,
  rows: u32,
  columns: u32,
  first_row: u32,
  first_column: u32,
}
fn matrix_at(index: u32) -> Factored {
  let at = index * MATRIX_WORDS;
  return Factored(tables[at], tables[at + 1u], tables[at + 2u], tables[at + 3u], tables[at + 4u]);
}
fn matrix_of_row(row: u32) -> u32 { return tables[p.matrices * MATRIX_WORDS + row]; }
fn matrix_of_column(column: u32) -> u32 { return tables[p.matrices * MATRIX_WORDS + p.rows + column]; }
// rows: R of every row, then the mean of R of each matrix, the factor that clips its update, and Σ û² of every row.
fn mean_word(matrix: u32) -> u32 { return p.rows + matrix; }
fn factor_word(matrix: u32) -> u32 { return p.rows + p.matrices + matrix; }
fn squares_word(row: u32) -> u32 { return p.rows + 2u * p.matrices + row; }
