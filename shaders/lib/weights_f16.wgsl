// f16 weights without shader-f16: one vec4<u32> is eight weights, unpacked by core WGSL. Rows are padded to 8.
const UNIT4 = 2u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 0u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
const HEAD_UNITS = 1u; // units that share what head_at loads
fn head_at(row: u32, unit: u32) -> u32 { return 0u; }
fn unit_at(head: u32, row: u32, unit: u32) -> vec4u { return w[row * p.w_stride + unit]; }
fn unit4(unit: vec4u, part: u32) -> vec4f {
  let words = select(unit.xy, unit.zw, part == 1u);
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
fn level4(unit: vec4u, part: u32) -> vec4f { return unit4(unit, part); }
fn scale_of(unit: vec4u, side: u32) -> f32 { return 1.0; }
fn offset_of(unit: vec4u, side: u32) -> f32 { return 0.0; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
