// y[r] = x[r] + table[position(r)]
//   x, y [rows, n], table [positions, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> table: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  y[i] = x[i] + table[row_at(id.y).position * p.n + id.x];
}
