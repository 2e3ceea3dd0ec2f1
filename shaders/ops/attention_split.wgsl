// Decode attention, first half: one workgroup takes SPLIT positions of one row and GROUP query heads of one KV head: all of them, or
// as many as its memory holds.
//   q [rows, heads · headDim], keys and values by row (lib/kv_*)
//   parts [rows, heads, splits, headDim + 4]: unnormalised context, then peak and total
//   grid: splits × heads / GROUP × rows; splits past what the row sees or before it exit at once
struct Params {
  heads: u32,
  kv_heads: u32,
  splits: u32,
  scale: f32,
  softcap: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> parts: array<vec4f>;

var<workgroup> weights: array<f32, GROUP * SPLIT>;
var<workgroup> partials: array<f32, WORKGROUP>;
const THREADS_PER_HEAD = WORKGROUP / GROUP; // threads that share one head's softmax

fn kv_at(pages: u32, kv_head: u32, t: u32) -> u32 { return kv_row(cache_slot(pages, t), p.kv_heads, kv_head); }

fn fill_scores(at: Row, row: u32, first_head: u32, kv_head: u32, begin: u32, count: u32, index: u32) {
  for (var i = index; i < GROUP * count; i += WORKGROUP) {
    let head = first_head + i / count;
    let k = kv_at(at.pages, kv_head, begin + i % count);
    let query = (row * p.heads + head) * DIM4;
    var products = vec4f();
    for (var d = 0u; d < DIM4; d++) { products += q[query + d] * key4(k, d); }
    weights[(i / count) * SPLIT + i % count] = capped((products.x + products.y + products.z + products.w) * p.scale);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = group.z;
  if (row >= row_count()) { return; }
  let at = row_at(row);
  let begin = max(group.x * SPLIT, first_visible(at));
  let end = min((group.x + 1u) * SPLIT, end_visible(at));
  if (begin >= end) { return; }
  let count = end - begin;
  let first_head = group.y * GROUP;
  let kv_head = first_head / (p.heads / p.kv_heads);
  fill_scores(at, row, first_head, kv_head, begin, count, index);
  workgroupBarrier();

  // Peak, then weights and their total, THREADS_PER_HEAD threads a head.
  let head = min(index / THREADS_PER_HEAD, GROUP - 1u);
  let thread = index % THREADS_PER_HEAD;
  let working = index < THREADS_PER_HEAD * GROUP;
  var peak = -3.0e38;
  for (var t = thread; t < count; t += THREADS_PER_HEAD) { peak = max(peak, weights[head * SPLIT + t]); }
  partials[index] = peak;
  workgroupBarrier();
  for (var i = 0u; i < THREADS_PER_HEAD; i++) { peak = max(peak, partials[head * THREADS_PER_HEAD + i]); }
  workgroupBarrier();
  var sum = 0.0;
  if (working) {
    for (var t = thread; t < count; t += THREADS_PER_HEAD) {
      let weight = exp(weights[head * SPLIT + t] - peak);
      weights[head * SPLIT + t] = weight;
      sum += weight;
    }
  }
  partials[index] = sum;
  workgroupBarrier();
  if (working && thread == 0u) {
    var total = 0.0;
    for (var i = 0u; i < THREADS_PER_HEAD; i++) { total += partials[head * THREADS_PER_HEAD + i]; }
    parts[part_at(row, first_head + head, group.x) + DIM4] = vec4f(peak, total, 0.0, 0.0);
  }
  for (var i = index; i < GROUP * DIM4; i += WORKGROUP) {
    let g = i / DIM4;
    let d = i % DIM4;
    var acc = vec4f();
    for (var t = 0u; t < count; t++) { acc += weights[g * SPLIT + t] * value4(kv_at(at.pages, kv_head, begin + t), d); }
    parts[part_at(row, first_head + g, group.x) + d] = acc;
  }
}

fn part_at(row: u32, head: u32, split: u32) -> u32 {
  return ((row * p.heads + head) * p.splits + split) * (DIM4 + 1u);
}
