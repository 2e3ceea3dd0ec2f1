// context[r, h, d] = Σₜ probs[h, r, t]·v[t, ⌊h / group⌋, d]
//   probs [heads, rows, positions], values by row (lib/kv_*), y [rows, heads · headDim]
//   grid: ⌈heads · headDim / WORKGROUP⌉ × rows
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  positions: u32,
  rows: u32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> probs: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (id.x >= p.heads * p.head_dim || row >= row_count()) { return; }
  let at = row_at(row);
  let head = id.x / p.head_dim;
  let d = id.x % p.head_dim;
  let kv_head = head / (p.heads / p.kv_heads);
  let base = (head * p.rows + row) * p.positions;
  var sum = 0.0;
  for (var t = first_visible(at); t < min(end_visible(at), p.positions); t++) {
    let value = value4(kv_row(cache_slot(at.pages, t), p.kv_heads, kv_head), d / 4u);
    sum += probs[base + t] * value[d % 4u];
  }
  y[row * p.heads * p.head_dim + id.x] = sum;
}
