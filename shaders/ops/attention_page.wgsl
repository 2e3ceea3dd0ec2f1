// Decode attention, first half, without barriers: one thread takes one page of positions of one row and one query head.
//   q [rows, heads · headDim], pages [page, kvHeads, 32, headDim]
//   parts [rows, heads, splits, headDim + 4]: unnormalised mix, then peak and total; a split is a page
//   grid: ⌈splits · heads / WORKGROUP⌉ × rows, neighbouring threads on heads of the same page
struct Params {
  heads: u32,
  kv_heads: u32,
  splits: u32,
  scale: f32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> k_pages: array<vec4f>;
@group(0) @binding(4) var<storage, read> v_pages: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> parts: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let page = id.x / p.heads;
  let head = id.x % p.heads;
  if (row >= row_count()) { return; }
  let at = row_at(row);
  if (page * PAGE > at.position) { return; }
  let count = min(PAGE, at.position + 1u - page * PAGE);
  let first = (cache_slot(at.pages, page * PAGE) / PAGE * p.kv_heads + head / GROUP) * PAGE * DIM4;
  let query = (row * p.heads + head) * DIM4;

  var weights: array<f32, PAGE>;
  var peak = -3.0e38;
  for (var t = 0u; t < count; t++) {
    var products = vec4f();
    for (var d = 0u; d < DIM4; d++) { products += q[query + d] * k_pages[first + t * DIM4 + d]; }
    let score = (products.x + products.y + products.z + products.w) * p.scale;
    weights[t] = score;
    peak = max(peak, score);
  }
  var total = 0.0;
  for (var t = 0u; t < count; t++) {
    weights[t] = exp(weights[t] - peak);
    total += weights[t];
  }
  let part = ((row * p.heads + head) * p.splits + page) * (DIM4 + 1u);
  for (var d = 0u; d < DIM4; d++) {
    var acc = vec4f();
    for (var t = 0u; t < count; t++) { acc += weights[t] * v_pages[first + t * DIM4 + d]; }
    parts[part + d] = acc;
  }
  parts[part + DIM4] = vec4f(peak, total, 0.0, 0.0);
}
