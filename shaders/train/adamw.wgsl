// AdamW (Loshchilov & Hutter 2019), with c·g the clipped gradient:
//   m ← β₁·m + (1 − β₁)·c·g,  v ← β₂·v + (1 − β₂)·(c·g)²,  θ ← θ·(1 − η·λ) − η·m̂ / (√v̂ + ε)
//   theta, g, m, v [n]
//   grid: a thread for each element, in two dimensions
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> theta: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;
@group(0) @binding(6) var<storage, read_write> m: array<f32>;
@group(0) @binding(7) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = element(group, groups, index);
  if (i >= p.n || statistics[3] == 0.0) { return; }
  let gradient = statistics[2] * g[i];
  let first = control[4] * m[i] + control[10] * gradient;
  let second = control[5] * v[i] + control[11] * gradient * gradient;
  m[i] = first;
  v[i] = second;
  theta[i] = theta[i] * control[3] - control[1] * first / (sqrt(second) * control[2] + control[6]);
}
