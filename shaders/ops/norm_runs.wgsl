// RMSNorm or LayerNorm over each run of k elements (see lib/run_norm.wgsl); k need not fill whole vectors. runs_normed leaves the normed
// run, runs_dx goes back through it.
//   x, y [rows, groups · k], norm [k], or [groups, k] where each run has weights of its own (and as many biases, behind padding)
//   grid: one workgroup a run (reduction_workgroup), or one thread a run (reduction_none)
struct Params {
  k: u32,
  groups: u32,        // runs in a row
  centred: u32,       // 1: LayerNorm
  weight_stride: u32, // from one run's weights to the next's: 0 where they share
  bias_at: u32,       // where biases begin, 0 for none
  eps: f32,
  norm_offset: f32,   // added to the weight
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> norm: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let run = reduction_index(group.x, invocation);
  if (run >= row_count() * p.groups) { return; }
  measure(run * p.k, p.k, invocation);
  leave_run(run * p.k, run % p.groups * p.weight_stride, invocation);
}
