// Eight-bit floats of five exponent and two fraction bits, which are the upper half of an f16; weight = float·scale, an f32 for each
// group. One vec4<u32> is sixteen weights in order. Rows are padded to 16.
const UNIT4 = 4u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(bitcast<f32>(group_word(row, unit))), vec2f());
}
fn level4(unit: Unit, part: u32) -> vec4f {
  let bytes = unit.quants[part];
  let low = ((bytes & 0xffu) << 8u) | ((bytes & 0xff00u) << 16u);
  let high = ((bytes >> 8u) & 0xff00u) | (bytes & 0xff000000u);
  return vec4f(unpack2x16float(low), unpack2x16float(high));
}
