// Which experts a row takes, best score first, and what each of them weighs: e^s / Σ e^s over all experts, or over those it takes
//   scores [rows, stride], those of the experts first; y [rows, y_stride]: their numbers from ids_at on, the weights from weights_at on
//   grid: one workgroup a row
struct Params {
  experts: u32,
  stride: u32,
  over_all: u32,
  y_stride: u32,
  ids_at: u32,     // or NONE
  weights_at: u32, // or NONE
}
const NONE = 0xffffffffu;
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> best: array<f32, CHOSEN>;

// Order-preserving, −0 as 0, NaN by its bits: ranks are a permutation whatever the scores hold.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (bits == 0x80000000u) { return 0x80000000u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = group.x;
  if (row >= row_count()) { return; }
  let base = row * p.stride;
  for (var expert = index; expert < p.experts; expert += WORKGROUP) {
    let own_key = key_of(scores[base + expert]);
    var rank = 0u;
    for (var other = 0u; other < p.experts; other++) {
      let key = key_of(scores[base + other]);
      if (key > own_key || (key == own_key && other < expert)) { rank++; }
    }
    if (rank < CHOSEN) {
      best[rank] = scores[base + expert];
      if (p.ids_at != NONE) { y[row * p.y_stride + p.ids_at + rank] = f32(expert); }
    }
  }
  if (p.weights_at == NONE) { return; }
  workgroupBarrier();
  for (var slot = index; slot < CHOSEN; slot += WORKGROUP) {
    var total = 0.0;
    if (p.over_all == 1u) {
      for (var other = 0u; other < p.experts; other++) { total += exp(scores[base + other] - best[0]); }
    } else {
      for (var other = 0u; other < CHOSEN; other++) { total += exp(best[other] - best[0]); }
    }
    y[row * p.y_stride + p.weights_at + slot] = exp(best[slot] - best[0]) / total;
  }
}
