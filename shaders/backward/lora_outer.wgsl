// Gradient of a factor: y[m, n] += Σ_r left[r, m]·right[r, n], added into the flat gradient
//   dA: left = du, right = x. dB: left = dy, right = s·(α/r)·A·x
//   row m of the matrix is `begin + ⌊m / run⌋·stride + m mod run`: products that are parts of one module share its matrix
//   grid: ⌈⌈columns / 4⌉ / WORKGROUP⌉ × ⌈rows of y / 4⌉; a thread makes 4×4 elements
struct Params {
  m: u32,
  n: u32,
  left_stride: u32,
  left_offset: u32,
  right_stride: u32,
  right_offset: u32,
  gather: u32, // 1: rows of `right` are those of the forward
  at: u32,
  begin: u32,
  run: u32,
  stride: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> left: array<f32>;
@group(0) @binding(3) var<storage, read> right: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n0 = id.x * 4u;
  let m0 = id.y * 4u;
  if (n0 >= p.n || m0 >= p.m) { return; }
  // Named, as in linear_dx.wgsl: what a loop indexes lies in memory on some drivers.
  var sum0: vec4f;
  var sum1: vec4f;
  var sum2: vec4f;
  var sum3: vec4f;
  let of_left = min(m0 + vec4u(0u, 1u, 2u, 3u), vec4u(p.m - 1u));
  let of_right = min(n0 + vec4u(0u, 1u, 2u, 3u), vec4u(p.n - 1u));
  for (var r = 0u; r < rows_active(); r++) {
    let l = of_left + r * p.left_stride + p.left_offset;
    let q = of_right + select(r, input_row(r), p.gather == 1u) * p.right_stride + p.right_offset;
    let values = vec4f(right[q.x], right[q.y], right[q.z], right[q.w]);
    sum0 += left[l.x] * values;
    sum1 += left[l.y] * values;
    sum2 += left[l.z] * values;
    sum3 += left[l.w] * values;
  }
  let acc = array(sum0, sum1, sum2, sum3);
  for (var i = 0u; i < 4u && m0 + i < p.m; i++) {
    let row = p.begin + (m0 + i) / p.run * p.stride + (m0 + i) % p.run;
    for (var j = 0u; j < 4u && n0 + j < p.n; j++) { y[p.at + row * p.n + n0 + j] += acc[i][j]; }
  }
}
