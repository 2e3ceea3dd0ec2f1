// Covers q_norm, k_norm, q_rope, k_rope and cache: norms and rotates each query head into its own buffer, each key head into its
// page, and copies values into theirs.
//   norm: x / √(mean(x²) + ε) ∘ (g + offset) over a head
//   x [rows, (heads + 2·kvHeads) · headDim], q [rows, heads · headDim], pages [page, kvHeads, 32, headDim], q_norm, k_norm [headDim]
//   grid: one workgroup a head (reduction_workgroup), or one thread a head (reduction_none) × rows
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  rotary: u32,      // 0: no rotation
  interleaved: u32,
  eps: f32,
  norm_offset: f32, // added to the weight
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<f32>; // [positions, 2, rotary / 2]: cos then sin
@group(0) @binding(4) var<storage, read_write> q: array<f32>;
@group(0) @binding(5) var<storage, read_write> k_pages: array<f32>;
@group(0) @binding(6) var<storage, read_write> v_pages: array<f32>;
@group(0) @binding(7) var<storage, read> q_norm: array<f32>;
@group(0) @binding(8) var<storage, read> k_norm: array<f32>;

var<private> base: u32;  // first element of the head in x
var<private> scale: f32; // 1 / √(mean(x²) + ε)
var<private> of_q: bool;

fn normed(d: u32) -> f32 {
  var weight: f32;
  if (of_q) { weight = q_norm[d]; } else { weight = k_norm[d]; }
  return x[base + d] * scale * (weight + p.norm_offset);
}

// Pairs as in lib/rotate.wgsl.
fn rotated(d: u32, position: u32) -> f32 {
  if (d >= p.rotary) { return normed(d); }
  let half = p.rotary / 2u;
  let interleaved = p.interleaved == 1u;
  let pair = select(d % half, d / 2u, interleaved);
  let second = select(d >= half, (d & 1u) == 1u, interleaved);
  let distance = select(half, 1u, interleaved);
  let other = normed(select(d + distance, d - distance, second));
  let at = position * p.rotary + pair;
  return normed(d) * table[at] + select(-other, other, second) * table[at + half];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let head = reduction_index(group.x, invocation);
  let row = group.y;
  if (row >= row_count() || head >= p.heads + 2u * p.kv_heads) { return; }
  let at = row_at(row);
  base = (row * (p.heads + 2u * p.kv_heads) + head) * p.head_dim;
  of_q = head < p.heads;
  var squares = 0.0;
  for (var d = reduction_begin(invocation); d < p.head_dim; d += REDUCERS) { squares += x[base + d] * x[base + d]; }
  scale = inverseSqrt(reduction_sum(vec4f(squares), invocation).x / f32(p.head_dim) + p.eps);
  let slot = cache_slot(at.pages, at.position);
  let kv_head = (head - p.heads) % p.kv_heads; // of a query head it means nothing
  let page = ((slot / PAGE * p.kv_heads + kv_head) * PAGE + slot % PAGE) * p.head_dim;
  for (var d = reduction_begin(invocation); d < p.head_dim; d += REDUCERS) {
    if (of_q) {
      q[(row * p.heads + head) * p.head_dim + d] = rotated(d, at.position);
    } else if (head < p.heads + p.kv_heads) {
      k_pages[page + d] = rotated(d, at.position);
    } else {
      v_pages[page + d] = x[base + d];
    }
  }
}
