// Attention for many rows: a thread per query row keeps an online softmax over its sequence's pages.
//   q [rows, heads · headDim], keys and values by row (lib/kv_*), y [rows, heads · headDim]
//   grid: tiles × heads; a tile is a run of up to WORKGROUP rows of one sequence
struct Params {
  heads: u32,
  kv_heads: u32,
  scale: f32,
  softcap: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  if (group.x >= tile_count()) { return; }
  let tile = tile_at(group.x);
  if (index >= tile.y) { return; }
  let row = tile.x + index;
  let at = row_at(row);
  let kv_head = group.y / (p.heads / p.kv_heads);
  let base = (row * p.heads + group.y) * DIM4;
  var query: array<vec4f, DIM4>;
  var acc: array<vec4f, DIM4>;
  for (var d = 0u; d < DIM4; d++) { query[d] = q[base + d] * p.scale; }
  var peak = sink_peak(group.y);
  var total = sink_weight(group.y, peak);
  for (var t = first_visible(at); t < end_visible(at); t++) {
    let kv = kv_row(cache_slot(at.pages, t), p.kv_heads, kv_head);
    var products = vec4f();
    for (var d = 0u; d < DIM4; d++) { products += query[d] * key4(kv, d); }
    let score = capped(products.x + products.y + products.z + products.w);
    if (score > peak) {
      let shrink = exp(peak - score);
      total *= shrink;
      for (var d = 0u; d < DIM4; d++) { acc[d] *= shrink; }
      peak = score;
    }
    let weight = exp(score - peak);
    total += weight;
    for (var d = 0u; d < DIM4; d++) { acc[d] += weight * value4(kv, d); }
  }
  for (var d = 0u; d < DIM4; d++) { y[base + d] = acc[d] / total; }
}
