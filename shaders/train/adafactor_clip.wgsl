// 1 / max(1, RMS(û) / d) of each matrix
//   rows as in factored.wgsl
//   grid: a thread for each matrix
struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.matrices) { return; }
  let matrix = matrix_at(id.x);
  var sum = 0.0;
  for (var row = 0u; row < matrix.rows; row++) { sum += rows[squares_word(matrix.first_row + row)]; }
  let rms = sqrt(sum / f32(matrix.rows * matrix.columns));
  rows[factor_word(id.x)] = 1.0 / max(1.0, rms / control[9]);
}
