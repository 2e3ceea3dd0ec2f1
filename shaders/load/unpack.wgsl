// Rows of a matrix as f32, exactly the weights that kernels compute with.
//   w [rows, k] in any weight format, y [count, k]; grid: a thread for each of count·k4 vec4, in two dimensions
struct Params {
  k: u32,
  k4: u32,        // ⌈k / 4⌉
  w_row: u32,     // first row of w
  count: u32,
  w_stride: u32,
  w_scales: u32,
  w_high: u32,
  w_super: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  if (i >= p.count * p.k4) { return; }
  let row = i / p.k4;
  let k4 = i % p.k4;
  let value = weight4(p.w_row + row, k4);
  for (var j = 0u; j < min(4u, p.k - 4u * k4); j++) { y[row * p.k + 4u * k4 + j] = value[j]; }
}
