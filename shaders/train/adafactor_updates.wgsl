// û = c·g / √(R·C / mean(R)) of every weight: updates_measured sums its squares, updates_taken takes the step
//   g [n], columns [columns of all matrices], rows as in factored.wgsl
//   grid: a thread for each row, in two dimensions
struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;
@group(0) @binding(8) var<storage, read> columns: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row = element(group, groups, index);
  if (row >= p.rows || statistics[3] == 0.0) { return; }
  let m = matrix_of_row(row);
  let matrix = matrix_at(m);
  let base = matrix.at + (row - matrix.first_row) * matrix.columns;
  let by_row = inverseSqrt(rows[row] / rows[mean_word(m)]) * statistics[2] * update_factor(m);
  var squares = 0.0;
  for (var c = 0u; c < matrix.columns; c++) {
    let update = g[base + c] * by_row * inverseSqrt(columns[matrix.first_column + c]);
    squares += update * update;
    leave(base + c, update);
  }
  finish_row(row, squares);
}
