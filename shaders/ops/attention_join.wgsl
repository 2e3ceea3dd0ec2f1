// Decode attention, second half: joins the splits of attention_split or attention_page by their peaks.
//   parts [rows, heads, splits, headDim + 4], y [rows, heads · headDim]
//   grid: ⌈heads · headDim / 4 / WORKGROUP⌉ × rows
struct Params {
  heads: u32,
  splits: u32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> parts: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (row >= row_count() || id.x >= p.heads * DIM4) { return; }
  let head = id.x / DIM4;
  let at_row = row_at(row);
  let first = first_visible(at_row) / SPLIT;
  let used = (end_visible(at_row) - 1u) / SPLIT + 1u;
  let base = (row * p.heads + head) * p.splits * (DIM4 + 1u);
  var peak = sink_peak(head);
  for (var i = first; i < used; i++) { peak = max(peak, parts[base + i * (DIM4 + 1u) + DIM4].x); }
  var total = sink_weight(head, peak);
  var acc = vec4f();
  for (var i = first; i < used; i++) {
    let at = base + i * (DIM4 + 1u);
    let scale = exp(parts[at + DIM4].x - peak);
    total += scale * parts[at + DIM4].y;
    acc += scale * parts[at + id.x % DIM4];
  }
  y[row * p.heads * DIM4 + id.x] = acc / total;
}
