// Back through a norm over each run of k elements, h = dy∘(g + offset), x̂ = (x − mean)·ρ:
//   RMSNorm:   dx = ρ·(h − x̂·mean(h∘x̂)), mean 0
//   LayerNorm: dx = ρ·(h − mean(h) − x̂·mean(h∘x̂))
//   x, dy, dx [rows, groups · k], norm [k], or [groups, k] where each run has weights of its own
//   grid: one workgroup a run (reduction_workgroup), or one thread a run (reduction_none)
struct Params {
  k: u32,
  groups: u32,        // runs in a row
  centred: u32,       // 1: LayerNorm
  weight_stride: u32, // from one run's weights to the next's: 0 where they share
  eps: f32,
  norm_offset: f32,   // added to the weight
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read> norm: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let run = reduction_index(group.x, invocation);
  if (run >= row_count() * p.groups) { return; }
  let begin = run * p.k;
  measure(begin, p.k, invocation);
  let first = run % p.groups * p.weight_stride;
  var sums = vec4f();
  for (var d = reduction_begin(invocation); d < p.k; d += REDUCERS) {
    let h = dy[begin + d] * (norm[first + d] + p.norm_offset);
    sums += vec4f(h, h * (x[begin + d] - run_mean), 0.0, 0.0);
  }
  let means = reduction_sum(sums, invocation) / f32(p.k);
  let mean = select(0.0, means.x, p.centred == 1u);
  for (var d = reduction_begin(invocation); d < p.k; d += REDUCERS) {
    let h = dy[begin + d] * (norm[first + d] + p.norm_offset);
    dx[begin + d] = run_scale * (h - mean - (x[begin + d] - run_mean) * run_scale * run_scale * means.y);
  }
}
