// y[r, i] = activate(gate[r, i])·up[r, i], or clamped (gate_plain, gate_clamped)
//   gate, up [rows, n] with their own strides and offsets, y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  rows_each: u32, // of these for each row of the forward: one, or one for each of its experts
  gate_stride: u32,
  gate_offset: u32,
  up_stride: u32,
  up_offset: u32,
  limit: f32,
  alpha: f32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read> up: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (id.x >= p.n || row >= row_count() * p.rows_each) { return; }
  let g = gate[row * p.gate_stride + p.gate_offset + id.x];
  y[row * p.n + id.x] = gated(g, up[row * p.up_stride + p.up_offset + id.x]);
}
