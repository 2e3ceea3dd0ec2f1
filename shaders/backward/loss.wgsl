// Cross-entropy of each counted row: loss[i] = peak + ln total − the target's logit
//   state [counted rows, 4], y [counted rows]
//   grid: ⌈counted rows / WORKGROUP⌉
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> state: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= logit_count()) { return; }
  let s = state[id.x];
  y[id.x] = s.x + log(s.y) - s.z;
}
