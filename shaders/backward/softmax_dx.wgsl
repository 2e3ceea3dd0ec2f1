// ds[h, r, t] = p[t]·(dp[t] − Σ_u dp[u]·p[u]) over the positions that r sees, else 0
//   dp, probs, ds [heads, rows, positions]
//   grid: rows × heads; one workgroup a row of one head
struct Params {
  rows: u32,
  positions: u32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dp: array<f32>;
@group(0) @binding(3) var<storage, read> probs: array<f32>;
@group(0) @binding(4) var<storage, read_write> ds: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let row = group.x;
  if (row >= row_count()) { return; }
  let base = (group.y * p.rows + row) * p.positions;
  let first = first_seen(row) - text_begin(row);
  let end = row_at(row).position + 1u;
  var sum = 0.0;
  for (var t = first + invocation.index; t < end; t += WORKGROUP) { sum += dp[base + t] * probs[base + t]; }
  let mean = workgroup_sum(vec4f(sum), invocation).x;
  for (var t = invocation.index; t < p.positions; t += WORKGROUP) {
    var value = 0.0;
    if (t >= first && t < end) { value = probs[base + t] * (dp[base + t] - mean); }
    ds[base + t] = value;
  }
}
