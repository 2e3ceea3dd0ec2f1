// Rotary positions (see lib/rotate.wgsl).
//   x, y [rows, heads · headDim]
//   grid: ⌈heads · headDim / WORKGROUP⌉ × rows
struct Params {
  n: u32,         // heads · headDim
  head_dim: u32,
  rotary: u32,
  interleaved: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let i = id.x;
  if (row >= row_count() || i >= p.n) { return; }
  let base = row * p.n;
  let at = row_at(row);
  y[row * p.n + i] = rotate(base, i, at.turned + at.position);
}
