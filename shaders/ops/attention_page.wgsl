// Decode attention, first half, without barriers: one thread takes one page of positions of one row, and HEADS query
// heads of one KV head, so that K and V are read once for them.
//   q [rows, heads · headDim], keys and values by row (lib/kv_*)
//   parts [rows, heads, splits, headDim + 4]: unnormalised context, then peak and total; a split is a page
//   grid: ⌈splits · heads / HEADS / WORKGROUP⌉ × rows, neighbouring threads on heads of the same page
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

// vec4 of V that go together: a cache line where that divides a head, because a pass over all positions drops what it has read.
const LINE = select(select(1u, 2u, DIM4 % 2u == 0u), 4u, DIM4 % 4u == 0u);

// Slots that the row does not see may hold anything, NaN included: they are left out by selection, never by a factor of 0.
fn inside(block: u32, begin: u32, count: u32) -> vec4<bool> {
  let slot = vec4u(block * 4u) + vec4u(0u, 1u, 2u, 3u);
  return (slot >= vec4u(begin)) & (slot < vec4u(count));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let blocks_of_heads = p.heads / HEADS;
  let page = id.x / blocks_of_heads;
  let head = id.x % blocks_of_heads * HEADS;
  if (row >= row_count()) { return; }
  let at = row_at(row);
  let seen = first_visible(at);
  let end = end_visible(at);
  if (page * PAGE >= end || (page + 1u) * PAGE <= seen) { return; }
  let begin = max(page * PAGE, seen) - page * PAGE; // slots of the page that are before the window
  let count = min(PAGE, end - page * PAGE);
  let first = kv_row(cache_slot(at.pages, page * PAGE), p.kv_heads, head / GROUP);
  let query = (row * p.heads + head) * DIM4;
  let dims = min(DIM4, p.heads * DIM4); // DIM4, but no compiler knows: unrolled, these loops compile for seconds

  var weights: array<f32, HEADS * PAGE>;
  var peaks: array<f32, HEADS>;
  for (var g = 0u; g < HEADS; g++) { peaks[g] = -3.0e38; }
  for (var b = begin / 4u; b * 4u < count; b++) {
    let kv = first + b * 4u;
    var scores = array<vec4f, HEADS>(); // written out: without it, compilers were seen to keep the last round's values
    for (var d = 0u; d < dims; d++) {
      let k0 = key4(kv, d);
      let k1 = key4(kv + 1u, d);
      let k2 = key4(kv + 2u, d);
      let k3 = key4(kv + 3u, d);
      for (var g = 0u; g < HEADS; g++) {
        let part = q[query + g * DIM4 + d];
        scores[g] += vec4f(dot(part, k0), dot(part, k1), dot(part, k2), dot(part, k3));
      }
    }
    for (var g = 0u; g < HEADS; g++) {
      let scaled = scores[g] * p.scale;
      let bounded = vec4f(capped(scaled.x), capped(scaled.y), capped(scaled.z), capped(scaled.w));
      let masked = select(vec4f(-3.0e38), bounded, inside(b, begin, count));
      for (var t = 0u; t < 4u; t++) { weights[g * PAGE + b * 4u + t] = masked[t]; }
      peaks[g] = max(peaks[g], max(max(masked.x, masked.y), max(masked.z, masked.w)));
    }
  }
  for (var g = 0u; g < HEADS; g++) {
    var total = 0.0;
    for (var t = begin; t < count; t++) {
      let weight = exp(weights[g * PAGE + t] - peaks[g]);
      weights[g * PAGE + t] = weight;
      total += weight;
    }
    parts[part_at(row, head + g, page) + DIM4] = vec4f(peaks[g], total, 0.0, 0.0);
  }
  for (var d = 0u; d < dims; d += LINE) {
    var sums = array<vec4f, HEADS * LINE>();
    for (var t = begin; t < count; t++) {
      var v: array<vec4f, LINE>;
      for (var i = 0u; i < LINE; i++) { v[i] = value4(first + t, d + i); }
      for (var g = 0u; g < HEADS; g++) {
        let weight = weights[g * PAGE + t];
        for (var i = 0u; i < LINE; i++) { sums[g * LINE + i] += weight * v[i]; }
      }
    }
    for (var g = 0u; g < HEADS; g++) {
      for (var i = 0u; i < LINE; i++) { parts[part_at(row, head + g, page) + d + i] = sums[g * LINE + i]; }
    }
  }
}

fn part_at(row: u32, head: u32, split: u32) -> u32 {
  return ((row * p.heads + head) * p.splits + split) * (DIM4 + 1u);
}
