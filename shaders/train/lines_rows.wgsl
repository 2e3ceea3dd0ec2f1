// A line is a row.
fn line_count() -> u32 { return p.rows; }
fn line_at(row: u32) -> Line {
  let matrix = matrix_at(matrix_of_row(row));
  return Line(matrix.at + (row - matrix.first_row) * matrix.columns, matrix.columns, 1u);
}
