// Gradient of the loss by the logits of one tile, back through y = cap(scale·z); weight_* says what a row weighs:
//   dz[i, v] = (e^(y[i, v] − peak) / total − [v = target])·weight[i]·(1 − (y / c)²)·scale
//   tile, dz [counted rows, n], state [counted rows, 4], targets [counted rows]
//   grid: ⌈n / WORKGROUP⌉ × counted rows
struct Params {
  n: u32,
  begin: u32,
  scale: f32,
  softcap: f32, // 0: none
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> tile: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> dz: array<f32>;
@group(0) @binding(5) var<storage, read> state: array<vec4f>;
@group(0) @binding(6) var<storage, read> control: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (row >= logit_count() || id.x >= p.n) { return; }
  let at = row * p.n + id.x;
  let y = tile[at];
  let s = state[row];
  var value = exp(y - s.x) / s.y;
  if (targets[row] == p.begin + id.x) { value -= 1.0; }
  if (p.softcap > 0.0) { value *= 1.0 - (y / p.softcap) * (y / p.softcap); }
  dz[at] = value * weight(row) * p.scale;
}
