// y[r, i] = a[r, i] + scale·b[r, i]
//   a, b, y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  scale: f32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  y[i] = a[i] + p.scale * b[i];
}
