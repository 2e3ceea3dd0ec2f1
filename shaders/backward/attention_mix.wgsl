// y[r, h, d] = scale·Σ_t m[h, r, t]·x[text(r) + t, ⌊h / group⌋, d] over the positions t that r sees
//   m [heads, rows, positions], x [rows, kvHeads · headDim], y [rows, heads · headDim]
//   grid: ⌈heads · ⌈headDim / 4⌉ / WORKGROUP⌉ × ⌈rows / 4⌉; a thread takes 4 rows and 4 dimensions
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
  let row0 = id.y * 4u;
  let count = row_count();
  if (id.x >= p.heads * parts || row0 >= count) { return; }
  let head = id.x / parts;
  let d0 = id.x % parts * 4u;
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
    let at = (seen * p.kv_heads + kv_head) * p.head_dim;
    var values = vec4f();
    for (var k = 0u; k < 4u; k++) { values[k] = x[at + min(d0 + k, p.head_dim - 1u)]; }
    for (var i = 0u; i < 4u; i++) {
      if (seen >= first[i] && seen <= row0 + i) { acc[i] += m[base[i] + seen] * values; }
    }
  }
  for (var i = 0u; i < 4u && row0 + i < count; i++) {
    for (var k = 0u; k < 4u && d0 + k < p.head_dim; k++) {
      y[((row0 + i) * p.heads + head) * p.head_dim + d0 + k] = p.scale * acc[i][k];
    }
  }
}
