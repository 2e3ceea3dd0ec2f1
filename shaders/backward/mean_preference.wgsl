// Adds to the statistics of the step the means over its pairs: loss, both rewards, and the share whose chosen answer has the larger one
//   pairs [pairs, 4] as in preference_pairs.wgsl, control: word 0 is 1 / pairs of all batches, y: see train/control.wgsl
//   grid: one thread
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> pairs: array<vec4f>;
@group(0) @binding(3) var<storage, read> control: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = vec4f();
  for (var i = 0u; i < p.n; i++) {
    let pair = pairs[i];
    sum += vec4f(pair.xyz, select(0.0, 1.0, pair.y > pair.z));
  }
  y[0] += sum.x * control[0];
  for (var i = 0u; i < 3u; i++) { y[4u + i] += sum[1u + i] * control[0]; }
}
