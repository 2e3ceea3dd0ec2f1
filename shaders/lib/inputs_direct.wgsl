// Where a product's inputs come from: every thread loads what it needs. One unit of k at a time.
fn units_begin(invocation: Invocation) -> u32 { return reduction_begin(invocation); }
fn units_step(invocation: Invocation) -> u32 { return REDUCERS; }
fn units_held(left: u32, invocation: Invocation) -> u32 { return 1u; }
fn hold_inputs(unit: u32, invocation: Invocation) {}
fn input4(i: u32, unit: u32, held: u32, part: u32) -> vec4f {
  let k4 = unit * UNIT4 + part;
  return prologue(x4(i, k4), i, k4);
}
fn outputs_idle(idle: bool) -> bool { return idle; }
fn outputs_begin(invocation: Invocation) -> u32 { return reduction_begin(invocation); }
fn outputs_step(invocation: Invocation) -> u32 { return REDUCERS; }
fn outputs_sum(value: vec4f, invocation: Invocation) -> vec4f { return reduction_sum(value, invocation); }
