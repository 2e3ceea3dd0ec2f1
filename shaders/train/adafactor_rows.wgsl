// R ← β·R + (1 − β)·mean over a row of (c·g)² + ε
//   g [n], rows as in factored.wgsl
//   grid: a thread for each row, in two dimensions
struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row = element(group, groups, index);
  if (row >= p.rows || statistics[3] == 0.0) { return; }
  let matrix = matrix_at(matrix_of_row(row));
  let base = matrix.at + (row - matrix.first_row) * matrix.columns;
  var sum = 0.0;
  for (var c = 0u; c < matrix.columns; c++) {
    let gradient = statistics[2] * g[base + c];
    sum += gradient * gradient + control[6];
  }
  rows[row] = control[2] * rows[row] + (1.0 - control[2]) * sum / f32(matrix.columns);
}
