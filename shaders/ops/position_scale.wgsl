// y[r, i] = x[r, i]·(1 + β·ln(1 + ⌊position / context⌋))
//   x, y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  beta: f32,
  context: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  y[i] = x[i] * (1.0 + p.beta * log(1.0 + f32(row_at(id.y).position / p.context)));
}
