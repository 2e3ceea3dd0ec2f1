// Every thread makes its own outputs, and a subgroup shares the inputs: all of them need the same x, so each thread loads a part of
// it, and the others read that from its registers. CPU adapters load word by word, whichever thread a word is for.
struct Invocation {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) subgroup_index: u32,
  @builtin(subgroup_size) size: u32,
}
fn threads(invocation: Invocation) -> u32 { return min(invocation.size, WORKGROUP); }
fn reduction_index(group: u32, invocation: Invocation) -> u32 { return group * WORKGROUP + invocation.index; }
// Going along x, the threads of a subgroup split k and sum their parts.
fn reduction_begin(invocation: Invocation) -> u32 { return invocation.subgroup_index; }
fn reduction_step(invocation: Invocation) -> u32 { return threads(invocation); }
@diagnostic(off, subgroup_uniformity)
fn reduction_sum(value: vec4f, invocation: Invocation) -> vec4f { return subgroupAdd(value); }

// A thread holds vec4 `subgroup_index % HOLDERS` of a unit, and where a unit has more of them than WebGPU's smallest subgroup has threads,
// also the one HOLDERS further on.
const HOLDERS = min(UNIT4, 4u);
const DEPTH = UNIT4 / HOLDERS;
var<private> held_inputs: array<vec4f, ROWS * DEPTH>;

// Units that share a head are a run; what threads hold at a time lies within one.
const RUN = select(0x40000000u, HEAD_UNITS, HEAD_UNITS > 1u);
fn runs_begin(invocation: Invocation) -> u32 { return 0u; }
fn runs_step(invocation: Invocation) -> u32 { return RUN; }
fn units_step(invocation: Invocation) -> u32 { return min(threads(invocation) / HOLDERS, RUN); }
fn units_held(left: u32, invocation: Invocation) -> u32 { return min(units_step(invocation), left); }
fn load_inputs(unit: u32, invocation: Invocation) {
  let first = (unit + invocation.subgroup_index / HOLDERS) * UNIT4 + invocation.subgroup_index % HOLDERS;
  for (var i = 0u; i < ROWS; i++) {
    for (var deep = 0u; deep < DEPTH; deep++) {
      let k4 = first + deep * HOLDERS;
      var value = vec4f();
      if (k4 < p.k4 && invocation.subgroup_index / HOLDERS < units_step(invocation)) { value = prologue(x4(i, k4), i, k4); }
      held_inputs[i * DEPTH + deep] = value;
    }
    if (OFFSETS && FACTORED) { sum_inputs(i); }
  }
}

// The holders of a unit sum their inputs once, for all outputs: of each side, or of the whole unit.
var<private> held_sums: array<f32, ROWS * SIDES>;
@diagnostic(off, subgroup_uniformity)
fn unit_sum(value: vec4f) -> f32 {
  var sum = dot(value, vec4f(1.0));
  for (var other = 1u; other < HOLDERS; other *= 2u) { sum += subgroupShuffleXor(sum, other); }
  return sum;
}
fn sum_inputs(i: u32) {
  if (SIDES == 2u) {
    held_sums[i * SIDES] = unit_sum(held_inputs[i * DEPTH]);
    held_sums[i * SIDES + SIDES - 1u] = unit_sum(held_inputs[i * DEPTH + DEPTH - 1u]);
    return;
  }
  var sum = held_inputs[i * DEPTH];
  if (DEPTH == 2u) { sum += held_inputs[i * DEPTH + DEPTH - 1u]; }
  held_sums[i * SIDES] = unit_sum(sum);
}
fn note_input(i: u32, value: vec4f) {}
@diagnostic(off, subgroup_uniformity)
fn noted_sum(i: u32, held: u32, side: u32) -> f32 {
  let sum = select(held_sums[i * SIDES], held_sums[i * SIDES + SIDES - 1u], side == 1u);
  return subgroupShuffle(sum, held * HOLDERS);
}
// Both are chosen from before the exchange, so that no register is indexed by a running number.
@diagnostic(off, subgroup_uniformity)
fn input4(i: u32, unit: u32, held: u32, part: u32) -> vec4f {
  let value = select(held_inputs[i * DEPTH], held_inputs[i * DEPTH + DEPTH - 1u], part >= HOLDERS);
  return subgroupShuffle(value, held * HOLDERS + part % HOLDERS);
}

// Threads without outputs stay as long as another of their subgroup needs what they hold.
@diagnostic(off, subgroup_uniformity)
fn outputs_idle(idle: bool) -> bool { return subgroupAll(idle); }
fn outputs_begin(invocation: Invocation) -> u32 { return 0u; }
fn outputs_step(invocation: Invocation) -> u32 { return 1u; }
fn outputs_sum(value: vec4f, invocation: Invocation) -> vec4f { return value; }
