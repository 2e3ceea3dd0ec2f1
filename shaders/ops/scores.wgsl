// s[h, r, t] = capped(q[r, h]·k[t, ⌊h / group⌋] · scale), before any mask
//   q [rows, heads · headDim], keys by row (lib/kv_*), s [heads, rows, positions]
//   grid: ⌈positions / WORKGROUP⌉ × rows × heads
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  positions: u32,
  rows: u32,
  scale: f32,
  softcap: f32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> s: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  let row = id.y;
  let head = id.z;
  if (t >= p.positions || row >= row_count()) { return; }
  let key = kv_row(cache_slot(row_at(row).pages, t), p.kv_heads, head / (p.heads / p.kv_heads));
  let q_at = (row * p.heads + head) * p.head_dim;
  var sum = 0.0;
  for (var d = 0u; d < p.head_dim; d += 4u) {
    let k = key4(key, d / 4u);
    for (var t = 0u; t < min(4u, p.head_dim - d); t++) { sum += q[q_at + d + t] * k[t]; }
  }
  s[(head * p.rows + row) * p.positions + t] = capped(sum * p.scale);
}
