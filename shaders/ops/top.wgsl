// The k largest logits of a row where k is small: what CPU adapters run faster than select, and compile faster, as it has no
// atomics and no sort. In each round the best of what the threads hold is taken, and only its thread looks for its next
//   logits [ring, vocab], records [rows, RECORD] with the ids and values of select, descending, ties by lowest id; no other field
//   grid: one workgroup a row
struct Params {
  vocab: u32,
  k: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> records: array<u32>;

const MAX_K = 256u;
const RECORD = 8u + 2u * MAX_K;
const NONE = 0xffffffffu;

struct Held {
  key: u32,
  id: u32, // NONE: this thread has no more
}
var<workgroup> held: array<Held, WORKGROUP>;

// Order-preserving, −0 as 0: the order of select.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (bits == 0x80000000u) { return 0x80000000u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}

fn precedes(a: Held, b: Held) -> bool {
  return a.id != NONE && (b.id == NONE || a.key > b.key || (a.key == b.key && a.id < b.id));
}

// The first of this thread's logits that comes after one that was taken; its very first after NONE.
fn next(base: u32, taken: Held, thread: u32) -> Held {
  var best = Held(0u, NONE);
  for (var i = thread; i < p.vocab; i += WORKGROUP) {
    let candidate = Held(key_of(logits[base + i]), i);
    if ((taken.id == NONE || precedes(taken, candidate)) && precedes(candidate, best)) { best = candidate; }
  }
  return best;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (group.x >= logit_count()) { return; }
  let base = batch[logit_at(group.x) + 1u] * p.vocab;
  let record = group.x * RECORD + 8u;
  var best = next(base, Held(0u, NONE), thread);
  for (var n = 0u; n < p.k; n++) {
    held[thread] = best;
    workgroupBarrier();
    var winner = 0u;
    for (var i = 1u; i < WORKGROUP; i++) {
      if (precedes(held[i], held[winner])) { winner = i; }
    }
    workgroupBarrier();
    if (thread == winner) {
      records[record + n] = best.id;
      records[record + MAX_K + n] = bitcast<u32>(logits[base + best.id]);
      best = next(base, best, thread);
    }
  }
}
