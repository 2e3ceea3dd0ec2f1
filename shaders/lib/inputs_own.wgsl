// Where a product's inputs come from: every thread loads what it needs. One unit of k at a time.
fn units_begin(lane: Lane) -> u32 { return spread_begin(lane); }
fn units_step(lane: Lane) -> u32 { return SPREAD; }
fn units_held(left: u32, lane: Lane) -> u32 { return 1u; }
fn hold_inputs(unit: u32, lane: Lane) {}
fn input4(i: u32, unit: u32, held: u32, part: u32) -> vec4f {
  let k4 = unit * UNIT4 + part;
  return prologue(x4(i, k4), i, k4);
}
fn outputs_idle(idle: bool) -> bool { return idle; }
fn outputs_begin(lane: Lane) -> u32 { return spread_begin(lane); }
fn outputs_step(lane: Lane) -> u32 { return SPREAD; }
fn outputs_sum(value: vec4f, lane: Lane) -> vec4f { return spread_sum(value, lane); }
