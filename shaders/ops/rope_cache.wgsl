// Covers q_rope, k_rope and cache: rotates q into its own buffer, k straight into its page, and copies v into its page.
//   x [rows, (heads + 2·kvHeads) · headDim], q [rows, heads · headDim], pages [page, kvHeads, 32, headDim]
//   grid: ⌈(heads + 2·kvHeads) · headDim / WORKGROUP⌉ × rows
struct Params {
  q_size: u32,     // heads · headDim
  kv_size: u32,    // kvHeads · headDim
  head_dim: u32,
  rotary: u32,     // 0: no rotation
  interleaved: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> q: array<f32>;
@group(0) @binding(5) var<storage, read_write> k_pages: array<f32>;
@group(0) @binding(6) var<storage, read_write> v_pages: array<f32>;

fn page_index(slot: u32, i: u32) -> u32 {
  let heads = p.kv_size / p.head_dim;
  return (((slot / PAGE) * heads + i / p.head_dim) * PAGE + slot % PAGE) * p.head_dim + i % p.head_dim;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (row >= row_count() || id.x >= p.q_size + 2u * p.kv_size) { return; }
  let at = row_at(row);
  let base = row * (p.q_size + 2u * p.kv_size);
  if (id.x < p.q_size) {
    q[row * p.q_size + id.x] = rotate(base, id.x, at.turned + at.position);
    return;
  }
  let slot = cache_slot(at.pages, at.position);
  let i = id.x - p.q_size;
  if (i < p.kv_size) {
    k_pages[page_index(slot, i)] = rotate(base + p.q_size, i, at.turned + at.position);
  } else {
    v_pages[page_index(slot, i - p.kv_size)] = x[base + id.x];
  }
}
