// Writes this forward's keys and values into their sequence's pages.
//   k, v [rows, kvHeads · headDim]; y [2, rows, kvHeads · headDim]: what was written, as it will be read
//   grid: ⌈kvHeads · UNITS / WORKGROUP⌉ × rows; a thread writes a unit of keys and one of values (lib/kv_*_write.wgsl)
struct Params {
  kv_heads: u32,
  head_dim: u32,
  rows: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

const UNITS = (DIM4 + UNIT4 - 1u) / UNIT4; // of a head

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (row >= row_count() || id.x >= p.kv_heads * UNITS) { return; }
  let at = row_at(row);
  let head = id.x / UNITS;
  let unit = id.x % UNITS;
  let n = p.kv_heads * p.head_dim;
  let source = row * n + head * p.head_dim;
  let begin = unit * UNIT4 * 4u;
  let count = min(UNIT4 * 4u, p.head_dim - begin);
  var keys = array<vec4f, UNIT4>();
  var values = array<vec4f, UNIT4>();
  for (var d = 0u; d < count; d++) {
    keys[d / 4u][d % 4u] = k[source + begin + d];
    values[d / 4u][d % 4u] = v[source + begin + d];
  }
  let target_row = kv_row(cache_slot(at.pages, at.position), p.kv_heads, head);
  write_keys(target_row, unit, &keys);
  write_values(target_row, unit, &values);
  for (var d = 0u; d < count; d++) {
    y[source + begin + d] = keys[d / 4u][d % 4u];
    y[p.rows * n + source + begin + d] = values[d / 4u][d % 4u];
  }
}
