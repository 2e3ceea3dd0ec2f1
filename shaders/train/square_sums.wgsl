// sums[i] = Σ g² over every PARTS-th element from i on
//   g [n], sums [PARTS]
//   grid: ⌈PARTS / WORKGROUP⌉
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= PARTS) { return; }
  var sum = 0.0;
  for (var i = id.x; i < p.n; i += PARTS) { sum += g[i] * g[i]; }
  sums[id.x] = sum;
}
