// A change made at a step: y = x + s·(f(x) − x), f the edits in order, s the row's strength (0: untouched)
//   x, y [rows, n]; edits: how many, then 8 words each: first position, end, first column, end, kind, factor,
//   word of the values, slot of its rows or NONE for all. kind 0: v·factor · 1: v + factor·values · 2: values
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  slot: u32, // of the strength among the row's scales
}
const NONE = 0xffffffffu;

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> edits: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= row_count()) { return; }
  let i = id.y * p.n + id.x;
  let row = row_at(id.y);
  let position = row.position;
  let original = x[i];
  var v = original;
  for (var at = 8u; at < 8u + edits[0] * 8u; at += 8u) {
    if (position < edits[at] || position >= edits[at + 1u] || id.x < edits[at + 2u] || id.x >= edits[at + 3u]) { continue; }
    if (edits[at + 7u] != NONE && edits[at + 7u] != row.slot) { continue; }
    let factor = bitcast<f32>(edits[at + 5u]);
    if (edits[at + 4u] == 0u) {
      v *= factor;
      continue;
    }
    let value = factor * bitcast<f32>(edits[edits[at + 6u] + id.x - edits[at + 2u]]);
    v = select(v + value, value, edits[at + 4u] == 2u);
  }
  // An edit that changes nothing changes no bit: not even the sign of a zero.
  y[i] = select(original + adapter_scale(id.y, p.slot) * (v - original), original, v == original);
}
