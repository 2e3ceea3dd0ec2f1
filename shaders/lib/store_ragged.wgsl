// Rows that end inside a vec4, one right behind the other. Two threads may share a vec4, so that floats are written.
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
fn store4(row: u32, k4: u32, value: vec4f) {
  for (var i = 0u; i < min(4u, p.k - k4 * 4u); i++) { y[row * p.k + k4 * 4u + i] = value[i]; }
}
