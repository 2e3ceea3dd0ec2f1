// C ← β·C + (1 − β)·mean over a column of (c·g)² + ε
//   g [n], columns [columns of all matrices]
//   grid: a thread for each column, in two dimensions
struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> columns: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let column = element(group, groups, index);
  if (column >= p.columns || statistics[3] == 0.0) { return; }
  let matrix = matrix_at(matrix_of_column(column));
  let base = matrix.at + column - matrix.first_column;
  var sum = 0.0;
  for (var row = 0u; row < matrix.rows; row++) {
    let gradient = statistics[2] * g[base + row * matrix.columns];
    sum += gradient * gradient + control[6];
  }
  columns[column] = control[2] * columns[column] + (1.0 - control[2]) * sum / f32(matrix.rows);
}
