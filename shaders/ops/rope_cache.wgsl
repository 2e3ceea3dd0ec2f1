// Covers q_rope, k_rope and cache: rotates q into its own buffer, k straight into its page, and copies v into its page.
//   x [rows, (heads + 2·kvHeads) · headDim], q [rows, heads · headDim]
//   grid: ⌈(heads · headDim + 2·kvHeads · UNITS) / WORKGROUP⌉ × rows; a thread turns one element of q, or writes a unit of k or v
struct Params {
  q_size: u32,     // heads · headDim
  kv_heads: u32,
  head_dim: u32,
  rotary: u32,     // 0: no rotation
  interleaved: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> q: array<f32>;

const UNITS = (DIM4 + UNIT4 - 1u) / UNIT4; // of a head

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let kv_units = p.kv_heads * UNITS;
  if (row >= row_count() || id.x >= p.q_size + 2u * kv_units) { return; }
  let at = row_at(row);
  let kv_size = p.kv_heads * p.head_dim;
  let base = row * (p.q_size + 2u * kv_size);
  if (id.x < p.q_size) {
    q[row * p.q_size + id.x] = rotate(base, id.x, at.turned + at.position);
    return;
  }
  let i = id.x - p.q_size;
  let is_key = i < kv_units;
  let head = i % kv_units / UNITS;
  let unit = i % UNITS;
  let begin = head * p.head_dim + unit * UNIT4 * 4u;
  let count = min(UNIT4 * 4u, p.head_dim - unit * UNIT4 * 4u);
  var written = array<vec4f, UNIT4>();
  for (var d = 0u; d < count; d++) {
    if (is_key) {
      written[d / 4u][d % 4u] = rotate(base + p.q_size, begin + d, at.turned + at.position);
    } else {
      written[d / 4u][d % 4u] = x[base + p.q_size + kv_size + begin + d];
    }
  }
  let target_row = kv_row(cache_slot(at.pages, at.position), p.kv_heads, head);
  if (is_key) { write_keys(target_row, unit, &written); } else { write_values(target_row, unit, &written); }
}
