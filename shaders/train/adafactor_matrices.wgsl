// Of each matrix: CLIP 0 the mean of R over its rows, CLIP 1 the factor 1 / max(1, RMS(û) / d)
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
  for (var i = 0u; i < matrix.rows; i++) {
    let row = matrix.first_row + i;
    if (CLIP == 1u) { sum += rows[squares_word(row)]; } else { sum += rows[row]; }
  }
  if (CLIP == 1u) {
    rows[factor_word(id.x)] = 1.0 / max(1.0, sqrt(sum / f32(matrix.rows * matrix.columns)) / control[9]);
  } else {
    rows[mean_word(id.x)] = sum / f32(matrix.rows);
  }
}
