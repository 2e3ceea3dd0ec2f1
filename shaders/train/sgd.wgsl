// θ ← θ − η·(c·g + λ·θ)
//   theta, g [n]
//   grid: a thread for each element, in two dimensions
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> theta: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = element(group, groups, index);
  if (i >= p.n || statistics[3] == 0.0) { return; }
  theta[i] -= control[1] * (statistics[2] * g[i] + control[3] * theta[i]);
}
