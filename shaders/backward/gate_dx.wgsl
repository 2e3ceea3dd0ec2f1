// Back through y = activate(gate)·up: d gate = dy·up·activate'(gate), d up = dy·activate(gate)          OF_UP says which
//   dy, gate, up, dx [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> gate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read> up: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  if (OF_UP == 1u) { dx[i] = dy[i] * activate(gate[i]); } else { dx[i] = dy[i] * up[i] * slope(gate[i]); }
}
