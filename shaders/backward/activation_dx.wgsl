// dx[r, i] = dy[r, i]·activate'(x[r, i])
//   dy, x, dx [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  dx[i] = dy[i] * slope(x[i]);
}
