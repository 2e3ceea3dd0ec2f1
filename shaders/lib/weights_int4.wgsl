// Four-bit integers of GPTQ and AWQ: weight = (q − z)·scale, scale and zero point z for each group: the word of a group is the scale's
// f32 with z in its last five bits, where f16 and bf16 have none.
// A unit of 32 weights is one vec4<u32>: byte j holds weight j in its low and weight j + 16 in its high nibble.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = true;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let word = group_word(row, unit);
  let zero = word & 31u;
  let scale = bitcast<f32>(word - zero);
  return Unit(w[row * p.w_stride + unit], vec2u(zero, 0u), vec2f(scale), vec2f(-f32(zero) * scale));
}
fn unit4(unit: Unit, part: u32) -> vec4f { return (level4(unit, part) - f32(unit.high.x)) * unit.scales.x; }
