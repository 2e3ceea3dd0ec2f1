// Top-k with log-sum-exp, and the draw: for each row that needs logits
//   ids and values of the k largest logits, descending, ties by lowest id (radix select on order-preserving keys, then a
//   bitonic sort); lse = log Σ e^l; then temperature → top-k → top-p → min-p → the draw on the cumulative distribution
//   logits [ring, vocab], records [rows, RECORD] words: token, k, lse, flags, random, 3 spare, ids [256], values [256]
//   grid: one workgroup a row; the provider says how its threads synchronise (select_workgroup, select_invocation)
struct Params {
  vocab: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> records: array<u32>;
@group(0) @binding(4) var<storage, read_write> drawn: array<u32>; // [slots]

const MAX_K = 256u;
const RECORD = 8u + 2u * MAX_K;
// Flags of a record.
const NOT_FINITE = 1u;   // a logit is NaN or infinite: nothing was drawn
const NOT_COVERED = 2u;  // the candidates do not hold the whole nucleus: the host must draw from full logits

// Order-preserving: a larger float has a larger key. −0 has the key of 0, so that their ties go by id too.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (bits == 0x80000000u) { return 0x80000000u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}
fn value_of(key: u32) -> f32 {
  return bitcast<f32>(key ^ select(0xffffffffu, 0x80000000u, (key >> 31u) == 1u));
}

// One byte of the radix select: bins of the keys that match the prefix found so far, then the bin of the k-th largest.
fn narrow(base: u32, shift: u32, thread: u32) {
  for (var i = thread; i < 256u; i += THREADS) { clear_bin(i); }
  wait();
  let prefix = agreed_threshold();
  for (var i = thread; i < p.vocab; i += THREADS) {
    let key = key_of(logits[base + i]);
    if (shift == 24u || (key >> (shift + 8u)) == (prefix >> (shift + 8u))) {
      count_in_bin((key >> shift) & 255u);
    }
  }
  wait();
  if (thread == 0u) {
    var left = wanted;
    var bin = 255u;
    loop {
      let count = bin_count(bin);
      if (count >= left || bin == 0u) { break; }
      left -= count;
      bin -= 1u;
    }
    threshold = prefix | (bin << shift);
    wanted = left;
  }
  wait();
}

fn gather(base: u32, thread: u32) {
  if (thread == 0u) { clear_gathered(); }
  wait();
  for (var i = thread; i < p.vocab; i += THREADS) {
    let key = key_of(logits[base + i]);
    if (key > threshold) {
      let at = next_place();
      keys[at] = key;
      ids[at] = i;
    }
  }
  wait();
  // Keys equal to the threshold: the lowest ids, in order, so the choice never depends on scheduling.
  if (thread == 0u) {
    var at = gathered_count();
    var left = wanted;
    for (var i = 0u; i < p.vocab && left > 0u; i++) {
      if (key_of(logits[base + i]) == threshold) {
        keys[at] = threshold;
        ids[at] = i;
        at += 1u;
        left -= 1u;
      }
    }
  }
  wait();
}

fn precedes(i: u32, j: u32) -> bool { return keys[i] > keys[j] || (keys[i] == keys[j] && ids[i] < ids[j]); }

fn sort_candidates(k: u32, thread: u32) {
  var size = 1u;
  while (size < k) { size *= 2u; }
  for (var i = k + thread; i < size; i += THREADS) {
    keys[i] = 0u;
    ids[i] = 0xffffffffu;
  }
  wait();
  for (var run = 2u; run <= size; run *= 2u) {
    for (var gap = run / 2u; gap > 0u; gap /= 2u) {
      for (var i = thread; i < size; i += THREADS) {
        let j = i ^ gap;
        if (j > i && precedes(j, i) == ((i & run) == 0u)) {
          let key = keys[i];
          let id = ids[i];
          keys[i] = keys[j];
          ids[i] = ids[j];
          keys[j] = key;
          ids[j] = id;
        }
      }
      wait();
    }
  }
}

// (Σ e^(l − peak), Σ e^((l − peak)/T)) over the vocabulary, and the peak.
fn totals(base: u32, inverse_temperature: f32, invocation: Invocation) -> vec3f {
  var peak = -3.0e38;
  for (var i = invocation.index; i < p.vocab; i += THREADS) {
    let value = logits[base + i];
    if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) { flag(NOT_FINITE); }
    peak = max(peak, value);
  }
  peak = max_all(peak, invocation);
  var sums = vec4f();
  for (var i = invocation.index; i < p.vocab; i += THREADS) {
    let below = logits[base + i] - peak;
    sums += vec4f(exp(below), exp(below * inverse_temperature), 0.0, 0.0);
  }
  let total = sum_all(sums, invocation);
  return vec3f(total.xy, peak);
}

struct Draw {
  token: u32,
  flags: u32,
  random: f32,
}

// What src/decode/samplers.ts does, over the sorted candidates. `mass` is the tempered mass of the whole vocabulary.
fn draw(at: u32, k: u32, mass: f32, inverse_temperature: f32) -> Draw {
  if (inverse_temperature == 0.0) { return Draw(ids[0], 0u, -1.0); }
  let top_k = batch[at + 5u];
  let top_p = bitcast<f32>(batch[at + 6u]);
  let min_p = bitcast<f32>(batch[at + 7u]);
  let peak = value_of(keys[0]);
  var kept = select(k, min(k, top_k), top_k > 0u);
  var norm = mass;
  if (top_k > 0u) {
    norm = 0.0;
    for (var i = 0u; i < kept; i++) { norm += exp((value_of(keys[i]) - peak) * inverse_temperature); }
  }
  // The smallest set whose mass reaches top_p; min_p cuts relative to the most probable.
  var total = 0.0;
  let is_mass_known = k == p.vocab || top_k <= k; // else the mass that enters top_p is not
  var covered = top_k > 0u;
  for (var i = 0u; i < kept; i++) {
    let weight = exp((value_of(keys[i]) - peak) * inverse_temperature);
    if (weight < min_p || (i > 0u && top_p < 1.0 && total >= top_p * norm)) {
      kept = i;
      covered = true;
      break;
    }
    total += weight;
  }
  covered = is_mass_known && (covered || k == p.vocab || (top_p < 1.0 && total >= top_p * norm));
  let random = random_uniform(batch[at + 8u], batch[at + 9u], batch[at + 10u]);
  var cumulative = 0.0;
  for (var i = 0u; i < kept; i++) {
    cumulative += exp((value_of(keys[i]) - peak) * inverse_temperature);
    if (cumulative > random * total) { return Draw(ids[i], select(NOT_COVERED, 0u, covered), random); }
  }
  return Draw(ids[kept - 1u], select(NOT_COVERED, 0u, covered), random);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  if (group.x >= logit_count()) { return; }
  let at = logit_at(group.x);
  let base = batch[at + 1u] * p.vocab;
  let k = min(min(batch[at + 3u], MAX_K), p.vocab);
  let inverse_temperature = bitcast<f32>(batch[at + 4u]);
  if (invocation.index == 0u) {
    threshold = 0u;
    wanted = k;
    clear_flags();
  }
  wait();
  let sums = totals(base, inverse_temperature, invocation);
  for (var shift = 24i; shift >= 0i; shift -= 8i) { narrow(base, u32(shift), invocation.index); }
  gather(base, invocation.index);
  sort_candidates(k, invocation.index);
  let record = group.x * RECORD;
  for (var i = invocation.index; i < k; i += THREADS) {
    records[record + 8u + i] = ids[i];
    records[record + 8u + MAX_K + i] = bitcast<u32>(value_of(keys[i]));
  }
  if (invocation.index == 0u) {
    let result = draw(at, k, sums.y, inverse_temperature);
    records[record] = result.token;
    records[record + 1u] = k;
    records[record + 2u] = bitcast<u32>(sums.z + log(sums.x));
    records[record + 3u] = result.flags | flags_set();
    records[record + 4u] = bitcast<u32>(result.random);
    drawn[batch[at + 2u]] = result.token;
  }
}
