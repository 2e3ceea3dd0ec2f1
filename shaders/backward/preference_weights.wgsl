// How much the loss of its pair changes with −ln p of each counted row: up with the chosen answer's, down with the rejected one's; the
// reference stays as it is
//   pairs [pairs, 4], parts [counted rows] as in preference_pairs.wgsl, y [counted rows]
//   grid: ⌈counted rows / WORKGROUP⌉
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> pairs: array<vec4f>;
@group(0) @binding(3) var<storage, read> parts: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= min(logit_count(), p.n)) { return; }
  let part = parts[id.x] % 4u;
  let slope = pairs[parts[id.x] / 4u].w;
  y[id.x] = select(0.0, select(slope, -slope, part == 1u), part < 2u);
}
