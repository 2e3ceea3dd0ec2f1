// Attention edges cut: a masked score becomes so low that its probability is 0
//   x, y [heads, rows, positions]; edits: how many, then 4 words each: head or NONE for all, query position, key position,
//   slot of its rows or NONE for all
//   grid: ⌈positions / WORKGROUP⌉ × rows × heads
struct Params {
  positions: u32,
  rows: u32,
  slot: u32, // of the strength among the row's scales
}
const NONE = 0xffffffffu;
const CUT = -1.0e30;

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> edits: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.positions || id.y >= row_count()) { return; }
  let i = (id.z * p.rows + id.y) * p.positions + id.x;
  let row = row_at(id.y);
  var cut = false;
  for (var at = 4u; at < 4u + edits[0] * 4u; at += 4u) {
    let head = edits[at] == NONE || edits[at] == id.z;
    let own = edits[at + 3u] == NONE || edits[at + 3u] == row.slot;
    cut = cut || (head && own && edits[at + 1u] == row.position && edits[at + 2u] == id.x);
  }
  y[i] = select(x[i], CUT, cut && adapter_scale(id.y, p.slot) != 0.0);
}
