// Writes this forward's keys and values into their sequence's pages.
//   k, v [rows, kvHeads · headDim]; pages [page, kvHeads, 32, headDim]; y [2, rows, kvHeads · headDim]: what was written
//   grid: ⌈kvHeads · headDim / WORKGROUP⌉ × rows
struct Params {
  n: u32,        // kvHeads · headDim
  head_dim: u32,
  rows: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> k_pages: array<f32>;
@group(0) @binding(5) var<storage, read_write> v_pages: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let i = id.x;
  if (row >= row_count() || i >= p.n) { return; }
  let at = row_at(row);
  let slot = cache_slot(at.pages, at.position);
  let head = i / p.head_dim;
  let target_index = ((slot / PAGE) * (p.n / p.head_dim) + head) * PAGE * p.head_dim + (slot % PAGE) * p.head_dim + i % p.head_dim;
  let source = row * p.n + i;
  k_pages[target_index] = k[source];
  v_pages[target_index] = v[source];
  y[source] = k[source];
  y[p.rows * p.n + source] = v[source];
}
