// y[j, k, d] = scale·Σ_h Σ_r m[h, r, j − text(r)]·x[r, h, d] over the query heads h of kv head k and the rows r that see row j
//   m [heads, rows, positions], x [rows, heads · headDim], y [rows, kvHeads · headDim]
//   grid: ⌈kvHeads · ⌈headDim / 4⌉ / WORKGROUP⌉ × ⌈rows / 4⌉; a thread takes 4 rows j and 4 dimensions, so that nothing is shared
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  positions: u32,
  rows: u32,
  scale: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> m: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let parts = (p.head_dim + 3u) / 4u;
  let seen0 = id.y * 4u;
  let count = row_count();
  if (id.x >= p.kv_heads * parts || seen0 >= count) { return; }
  let kv_head = id.x / parts;
  let d0 = id.x % parts * 4u;
  let group = p.heads / p.kv_heads;
  let seen1 = min(seen0 + 3u, count - 1u);
  var acc: array<vec4f, 4>;
  for (var row = seen0; row < count; row++) {
    let first = first_seen(row);
    if (first > seen1) { break; } // so are all later rows'
    let begin = text_begin(row);
    for (var head = kv_head * group; head < (kv_head + 1u) * group; head++) {
      let at = (row * p.heads + head) * p.head_dim;
      let base = (head * p.rows + row) * p.positions - begin;
      var values = vec4f();
      for (var k = 0u; k < 4u; k++) { values[k] = x[at + min(d0 + k, p.head_dim - 1u)]; }
      for (var j = 0u; j < 4u; j++) {
        let seen = seen0 + j;
        if (seen >= first && seen <= row) { acc[j] += m[base + seen] * values; }
      }
    }
  }
  for (var j = 0u; j < 4u && seen0 + j < count; j++) {
    for (var k = 0u; k < 4u && d0 + k < p.head_dim; k++) {
      y[((seen0 + j) * p.kv_heads + kv_head) * p.head_dim + d0 + k] = p.scale * acc[j][k];
    }
  }
}
