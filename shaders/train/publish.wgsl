// Writes a trained factor where live forwards read it: dst[dst_at + m·dst_stride + n] = theta[at + row(m)·columns + n]
//   row m of the matrix is `begin + ⌊m / run⌋·stride + m mod run`
//   grid: ⌈m · n / WORKGROUP⌉, in two dimensions
struct Params {
  m: u32,
  n: u32,
  dst_at: u32,
  dst_stride: u32,
  at: u32,
  begin: u32,
  run: u32,
  stride: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> theta: array<f32>;
@group(0) @binding(4) var<storage, read_write> dst: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  if (i >= p.m * p.n) { return; }
  let m = i / p.n;
  let row = p.begin + m / p.run * p.stride + m % p.run;
  dst[p.dst_at + m * p.dst_stride + i % p.n] = theta[p.at + row * p.n + i % p.n];
}
