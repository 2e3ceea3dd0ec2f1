// Counts values of a step's output that are none, or that no f16 can hold, over the rows of the batch.
//   x [outer, rows, inner], counts [steps, 4]: NaN, infinite, finite with |x| ≥ 65,504, and the bits of the largest finite |x|
//   grid: ⌈inner / (RUN·WORKGROUP)⌉ × rows × outer
struct Params {
  inner: u32,
  rows: u32,
  picked: u32, // which rows of x are of this batch: ALL of its rows, those PACKED for logits, or theirs in the RING
  at: u32,     // the step's place in counts
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

const ALL = 0u;
const RING = 2u;
const RUN = 16u;             // values a thread looks at
const INFINITE = 0x7f800000u;
const LARGE = 0x477fe000u;   // 65,504, the largest f16
const FULL = 0xf0000000u;    // a count stays here rather than begin anew

fn add(at: u32, n: u32) {
  if (n > 0u && atomicLoad(&counts[at]) < FULL) { atomicAdd(&counts[at], n); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  if (group.y >= select(logit_count(), row_count(), p.picked == ALL)) { return; }
  var row = group.y;
  if (p.picked == RING) { row = batch[logit_at(group.y) + 1u]; }
  let base = (group.z * p.rows + row) * p.inner;
  let first = group.x * RUN * WORKGROUP + index;
  var nan = 0u;
  var infinite = 0u;
  var large = 0u;
  var peak = 0u;
  for (var n = 0u; n < RUN; n++) {
    let i = first + n * WORKGROUP;
    if (i >= p.inner) { break; }
    // Magnitudes of floats are in the order of their bits.
    let bits = x[base + i] & 0x7fffffffu;
    nan += u32(bits > INFINITE);
    infinite += u32(bits == INFINITE);
    large += u32(bits >= LARGE && bits < INFINITE);
    if (bits < INFINITE) { peak = max(peak, bits); }
  }
  add(p.at * 4u, nan);
  add(p.at * 4u + 1u, infinite);
  add(p.at * 4u + 2u, large);
  if (peak > atomicLoad(&counts[p.at * 4u + 3u])) { atomicMax(&counts[p.at * 4u + 3u], peak); }
}
