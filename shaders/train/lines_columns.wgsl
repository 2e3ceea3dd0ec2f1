// A line is a column.
fn line_count() -> u32 { return p.columns; }
fn line_at(column: u32) -> Line {
  let matrix = matrix_at(matrix_of_column(column));
  return Line(matrix.at + column - matrix.first_column, matrix.rows, matrix.columns);
}
