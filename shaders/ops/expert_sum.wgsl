// y[r, i] = Σⱼ weights[r, j]·x[r, j, i] (+ shared), then epilogue
//   x [rows, chosen, n], weights [rows, chosen] from weights_at on in rows weight_stride long, y [rows, n]
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  chosen: u32,
  weight_stride: u32,
  weights_at: u32,
  scale: f32,      // on what joins the residual stream
  y_stride: u32,
  y_offset: u32,
  score_stride: u32,
  score_at: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (id.x >= p.n || row >= row_count()) { return; }
  var sum = 0.0;
  for (var j = 0u; j < p.chosen; j++) {
    sum += weights[row * p.weight_stride + p.weights_at + j] * x[(row * p.chosen + j) * p.n + id.x];
  }
  y[row * p.n + id.x] = epilogue(sum + beside(row, id.x), row, id.x);
}
