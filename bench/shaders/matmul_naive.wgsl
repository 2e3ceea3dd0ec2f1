// The matmul that first courses teach, as the bar to clear: 8×8 threads stage 8×8 tiles of both sides, one output a thread.
struct Params {
  rows: u32,
  k: u32,
  n: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [rows, k]
@group(0) @binding(2) var<storage, read> w: array<f32>; // [n, k]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [rows, n]

var<workgroup> x_tile: array<array<f32, 8>, 8>;
var<workgroup> w_tile: array<array<f32, 8>, 8>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.y * 8u + invocation.y;
  let out = group.x * 8u + invocation.x;
  var sum = 0.0;
  for (var k0 = 0u; k0 < p.k; k0 += 8u) {
    x_tile[invocation.y][invocation.x] = x[row * p.k + k0 + invocation.x];
    w_tile[invocation.y][invocation.x] = w[(group.x * 8u + invocation.y) * p.k + k0 + invocation.x];
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) { sum += x_tile[invocation.y][i] * w_tile[invocation.x][i]; }
    workgroupBarrier();
  }
  y[row * p.n + out] = sum;
}
