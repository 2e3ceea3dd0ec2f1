// Over the query heads h of a kv head and the rows r that see row j: Σ_h Σ_r m[h, r, j − text(r)]·x[r, h, d].
fn own_heads() -> u32 { return p.kv_heads; }
fn summed(kv_head: u32, d0: u32, seen0: u32, count: u32) -> array<vec4f, 4> {
  let group = p.heads / p.kv_heads;
  let seen1 = min(seen0 + 3u, count - 1u);
  var acc: array<vec4f, 4>;
  for (var row = seen0; row < count; row++) {
    let first = first_seen(row);
    if (first > seen1) { break; } // so are all later rows'
    let begin = text_begin(row);
    for (var head = kv_head * group; head < (kv_head + 1u) * group; head++) {
      let base = (head * p.rows + row) * p.positions - begin;
      let values = values_at((row * p.heads + head) * p.head_dim, d0);
      for (var j = 0u; j < 4u; j++) {
        let seen = seen0 + j;
        if (seen >= first && seen <= row) { acc[j] += m[base + seen] * values; }
      }
    }
  }
  return acc;
}
