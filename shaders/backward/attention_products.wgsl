// m[h, r, t] = capped(scale·Σ_d a[r, h, d]·b[text(r) + t, ⌊h / group⌋, d]) for the positions t that r sees; others are not written
//   a [rows, heads · headDim], b [rows, kvHeads · headDim], m [heads, rows, positions]
//   grid: ⌈⌈rows / 4⌉ / WORKGROUP⌉ × ⌈rows / 4⌉ × heads; a thread takes 4 rows and 4 rows that they may see
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  positions: u32,
  rows: u32,
  scale: f32,
  softcap: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> m: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let seen0 = id.x * 4u;
  let row0 = id.y * 4u;
  let count = row_count();
  if (row0 >= count || seen0 >= count || seen0 > row0 + 3u) { return; }
  let head = id.z;
  let kv_head = head / (p.heads / p.kv_heads);
  let last = min(row0 + 3u, count - 1u);
  if (seen0 + 3u < min(first_seen(row0), first_seen(last))) { return; }
  var acc: array<vec4f, 4>;
  for (var d = 0u; d < p.head_dim; d++) {
    var keys = vec4f();
    for (var j = 0u; j < 4u; j++) {
      keys[j] = b[(min(seen0 + j, count - 1u) * p.kv_heads + kv_head) * p.head_dim + d];
    }
    for (var i = 0u; i < 4u; i++) {
      acc[i] += a[(min(row0 + i, last) * p.heads + head) * p.head_dim + d] * keys;
    }
  }
  for (var i = 0u; i < 4u && row0 + i < count; i++) {
    let row = row0 + i;
    let first = first_seen(row);
    let base = (head * p.rows + row) * p.positions - text_begin(row);
    for (var j = 0u; j < 4u; j++) {
      let seen = seen0 + j;
      if (seen >= first && seen <= row) { m[base + seen] = capped(acc[i][j] * p.scale); }
    }
  }
}
