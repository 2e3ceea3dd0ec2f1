// y[r, i] = x[r, i] between ±limit
//   x, y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  limit: f32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  y[i] = clamp(x[i], -p.limit, p.limit);
}
