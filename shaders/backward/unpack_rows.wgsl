// Rows of the head in their places among all rows; rows that were not counted are zero. PLACE 0 clears, then 1 places.
//   x [counted rows, n], y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows, or × counted rows
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n) { return; }
  if (PLACE == 0u) {
    if (id.y < row_count()) { y[id.y * p.n + id.x] = 0.0; }
  } else if (id.y < logit_count()) {
    y[batch[logit_at(id.y)] * p.n + id.x] = x[id.y * p.n + id.x];
  }
}
