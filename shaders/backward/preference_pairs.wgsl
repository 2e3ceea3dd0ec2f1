// Direct preference optimisation (Rafailov et al. 2023). With r = β·(ln π(answer) − ln π of the reference) of a pair's two answers:
//   y[pair] = (−ln σ(r₊ − r₋), r₊, r₋, β·σ(r₋ − r₊))
//   losses [counted rows]: −ln p of each counted token; parts [counted rows]: 4·pair + which of the pair's texts the row is of: chosen,
//   rejected, and both once more as the reference reads them
//   y [pairs, 4]
//   grid: ⌈pairs / WORKGROUP⌉
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read> control: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n) { return; }
  var sums = vec4f();
  for (var i = 0u; i < logit_count(); i++) {
    if (parts[i] / 4u == id.x) { sums[parts[i] % 4u] += losses[i]; }
  }
  let beta = control[12];
  let chosen = beta * (sums.z - sums.x);
  let rejected = beta * (sums.w - sums.y);
  let margin = chosen - rejected;
  let small = exp(-abs(margin)); // never overflows
  let wrong = select(1.0, small, margin > 0.0) / (1.0 + small);
  y[id.x] = vec4f(max(-margin, 0.0) + log(1.0 + small), chosen, rejected, beta * wrong);
}
