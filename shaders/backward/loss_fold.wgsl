// Running peak, Σ e^(logit − peak) and the target's logit of each counted row, over one more tile of the vocabulary.
//   tile [counted rows, n], state_in and state_out [counted rows, 4], targets [counted rows]
//   grid: counted rows; one workgroup a row
struct Params {
  n: u32,
  begin: u32, // first id of the tile
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> tile: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> state_out: array<vec4f>;
@group(0) @binding(5) var<storage, read> state_in: array<vec4f>;

var<workgroup> peaks: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let row = group.x;
  if (row >= logit_count()) { return; }
  let base = row * p.n;
  var state = vec4f(-3.0e38, 0.0, 0.0, 0.0);
  if (FIRST == 0u) { state = state_in[row]; }
  var peak = state.x;
  for (var i = invocation.index; i < p.n; i += WORKGROUP) { peak = max(peak, tile[base + i]); }
  peaks[invocation.index] = peak;
  workgroupBarrier();
  for (var i = 0u; i < WORKGROUP; i++) { peak = max(peak, peaks[i]); }
  var sum = 0.0;
  for (var i = invocation.index; i < p.n; i += WORKGROUP) { sum += exp(tile[base + i] - peak); }
  let total = workgroup_sum(vec4f(sum), invocation).x + state.y * exp(state.x - peak);
  if (invocation.index > 0u) { return; }
  let id = targets[row];
  var logit = state.z;
  if (id >= p.begin && id - p.begin < p.n) { logit = tile[base + id - p.begin]; }
  state_out[row] = vec4f(peak, total, logit, 0.0);
}
