// p[h, r, t] = e^(s[h, r, t] − m) / Σ e^(s − m) for the positions t that r sees, else 0
//   s, probs [heads, rows, positions]
//   grid: rows × heads; one workgroup a row of one head
struct Params {
  rows: u32,
  positions: u32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> s: array<f32>;
@group(0) @binding(4) var<storage, read_write> probs: array<f32>;

var<workgroup> peaks: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let row = group.x;
  if (row >= row_count()) { return; }
  let base = (group.y * p.rows + row) * p.positions;
  let first = first_seen(row) - text_begin(row);
  let end = row_at(row).position + 1u;
  var peak = -3.0e38;
  for (var t = first + invocation.index; t < end; t += WORKGROUP) { peak = max(peak, s[base + t]); }
  peaks[invocation.index] = peak;
  workgroupBarrier();
  for (var i = 0u; i < WORKGROUP; i++) { peak = max(peak, peaks[i]); }
  var sum = 0.0;
  for (var t = first + invocation.index; t < end; t += WORKGROUP) { sum += exp(s[base + t] - peak); }
  let total = workgroup_sum(vec4f(sum), invocation).x;
  for (var t = invocation.index; t < p.positions; t += WORKGROUP) {
    var prob = 0.0;
    if (t >= first && t < end) { prob = exp(s[base + t] - peak) / total; }
    probs[base + t] = prob;
  }
}
