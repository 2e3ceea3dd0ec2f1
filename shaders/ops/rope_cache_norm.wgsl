// Covers q_norm, k_norm, q_rope, k_rope and cache: norms and rotates each query head into its own buffer, each key head into its
// page, and copies values into theirs. A norm goes over a head or over all of q or k (see lib/run_norm.wgsl).
//   x [rows, (heads + 2·kvHeads) · headDim], q [rows, heads · headDim]
//   q_norm, k_norm [headDim], or as wide as q and k (and as many biases, behind padding)
//   grid: one workgroup a head (reduction_workgroup), or one thread a head (reduction_none) × rows
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  rotary: u32,        // 0: no rotation
  interleaved: u32,
  wide: u32,          // 1: the norm goes over all heads at once
  centred: u32,       // 1: LayerNorm
  weight_stride: u32, // from one head's weights to the next's: 0 where they share
  q_bias: u32,        // where biases begin, 0 for none
  k_bias: u32,
  eps: f32,
  norm_offset: f32,   // added to the weight
  limit: f32,         // bound on what the norms give and on values, 0 for none
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<f32>; // as in lib/rotate.wgsl
@group(0) @binding(4) var<storage, read_write> q: array<f32>;
@group(0) @binding(7) var<storage, read> q_norm: array<f32>;
@group(0) @binding(8) var<storage, read> k_norm: array<f32>;

const UNITS = (DIM4 + UNIT4 - 1u) / UNIT4; // that keys or values of a head are written in

var<private> base: u32;  // first element of the head in x
var<private> first: u32; // first weight of the head
var<private> of_q: bool;

fn bounded(value: f32) -> f32 {
  return select(value, clamp(value, -p.limit, p.limit), p.limit > 0.0);
}

fn normed(d: u32) -> f32 {
  var bias = 0.0;
  if (of_q) {
    if (p.q_bias > 0u) { bias = q_norm[p.q_bias + first + d]; }
    return bounded(run_normed(x[base + d], q_norm[first + d], bias));
  }
  if (p.k_bias > 0u) { bias = k_norm[p.k_bias + first + d]; }
  return bounded(run_normed(x[base + d], k_norm[first + d], bias));
}

// Pairs as in lib/rotate.wgsl.
fn rotated(d: u32, table_row: u32) -> f32 {
  if (d >= p.rotary) { return normed(d); }
  let half = p.rotary / 2u;
  let interleaved = p.interleaved == 1u;
  let pair = select(d % half, d / 2u, interleaved);
  let second = select(d >= half, (d & 1u) == 1u, interleaved);
  let distance = select(half, 1u, interleaved);
  let other = normed(select(d + distance, d - distance, second));
  let at = table_row * p.rotary + pair;
  return normed(d) * table[at] + select(-other, other, second) * table[at + half];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let head = reduction_index(group.x, invocation);
  let row = group.y;
  if (row >= row_count() || head >= p.heads + 2u * p.kv_heads) { return; }
  let at = row_at(row);
  let row_begin = row * (p.heads + 2u * p.kv_heads) * p.head_dim;
  base = row_begin + head * p.head_dim;
  of_q = head < p.heads;
  let kv_head = (head - p.heads) % p.kv_heads; // of a query head it means nothing
  first = select(kv_head, head, of_q) * p.weight_stride;
  if (p.wide == 1u) {
    let begin = row_begin + select(p.heads, 0u, of_q) * p.head_dim;
    measure(begin, select(p.kv_heads, p.heads, of_q) * p.head_dim, invocation);
  } else {
    measure(base, p.head_dim, invocation);
  }
  let turned = at.turned + at.position;
  if (of_q) {
    for (var d = reduction_begin(invocation); d < p.head_dim; d += REDUCERS) {
      q[(row * p.heads + head) * p.head_dim + d] = rotated(d, turned);
    }
    return;
  }
  let is_key = head < p.heads + p.kv_heads;
  let target_row = kv_row(cache_slot(at.pages, at.position), p.kv_heads, kv_head);
  for (var unit = reduction_begin(invocation); unit < UNITS; unit += REDUCERS) {
    let begin = unit * UNIT4 * 4u;
    var written = array<vec4f, UNIT4>();
    for (var d = 0u; d < min(UNIT4 * 4u, p.head_dim - begin); d++) {
      if (is_key) { written[d / 4u][d % 4u] = rotated(begin + d, turned); } else { written[d / 4u][d % 4u] = bounded(x[base + begin + d]); }
    }
    if (is_key) { write_keys(target_row, unit, &written); } else { write_values(target_row, unit, &written); }
  }
}
