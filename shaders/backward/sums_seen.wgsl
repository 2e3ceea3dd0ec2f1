// Over the positions t that row r sees: Σ_t m[h, r, t]·x[text(r) + t, ⌊h / group⌋, d].
fn own_heads() -> u32 { return p.heads; }
fn summed(head: u32, d0: u32, row0: u32, count: u32) -> array<vec4f, 4> {
  let kv_head = head / (p.heads / p.kv_heads);
  let last = min(row0 + 3u, count - 1u);
  var first: vec4u;
  var base: vec4u;
  for (var i = 0u; i < 4u; i++) {
    let row = min(row0 + i, last);
    first[i] = first_seen(row);
    base[i] = (head * p.rows + row) * p.positions - text_begin(row);
  }
  var acc: array<vec4f, 4>;
  for (var seen = min(min(first.x, first.y), min(first.z, first.w)); seen <= last; seen++) {
    let values = values_at((seen * p.kv_heads + kv_head) * p.head_dim, d0);
    for (var i = 0u; i < 4u; i++) {
      if (seen >= first[i] && seen <= row0 + i) { acc[i] += m[base[i] + seen] * values; }
    }
  }
  return acc;
}
