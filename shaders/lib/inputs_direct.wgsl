// Where a product's inputs come from: every thread loads what it needs. One unit of k at a time.
// Units that share a head follow each other where a thread goes along all of k.
const RUN = select(1u, select(0x40000000u, HEAD_UNITS, HEAD_UNITS > 1u), REDUCERS == 1u);
fn runs_begin(invocation: Invocation) -> u32 { return reduction_begin(invocation); }
fn runs_step(invocation: Invocation) -> u32 { return REDUCERS * RUN; }
fn units_step(invocation: Invocation) -> u32 { return 1u; }
fn units_held(left: u32, invocation: Invocation) -> u32 { return 1u; }
fn load_inputs(unit: u32, invocation: Invocation) {}
fn input4(i: u32, unit: u32, held: u32, part: u32) -> vec4f {
  let k4 = unit * UNIT4 + part;
  return prologue(x4(i, k4), i, k4);
}
// Sums of inputs, gathered on the way.
var<private> noted: array<f32, ROWS>;
fn note_input(i: u32, value: vec4f) { noted[i] += dot(value, vec4f(1.0)); }
fn noted_sum(i: u32, held: u32, side: u32) -> f32 {
  let sum = noted[i];
  noted[i] = 0.0;
  return sum;
}
fn outputs_idle(idle: bool) -> bool { return idle; }
fn outputs_begin(invocation: Invocation) -> u32 { return reduction_begin(invocation); }
fn outputs_step(invocation: Invocation) -> u32 { return REDUCERS; }
fn outputs_sum(value: vec4f, invocation: Invocation) -> vec4f { return reduction_sum(value, invocation); }
