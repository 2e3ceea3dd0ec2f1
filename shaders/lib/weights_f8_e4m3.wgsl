// Eight-bit floats of four exponent and three fraction bits, bias 7, no infinity; weight = float·scale, an f32 for each group.
// One vec4<u32> is sixteen weights in order. Rows are padded to 16.
const UNIT4 = 4u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(bitcast<f32>(group_word(row, unit))), vec2f());
}
// An f16 has room for exponent and fraction, 2^8 too low. 0x7f, which is NaN, gets all bits of f16's exponent.
fn level4(unit: Unit, part: u32) -> vec4f {
  let bytes = unit.quants[part];
  let magnitude = bytes & 0x7f7f7f7fu;
  let sign = bytes & 0x80808080u;
  let m = magnitude | ((magnitude + 0x01010101u) & 0x80808080u);
  let low = ((m & 0xffu) << 7u) | ((m & 0xff00u) << 15u) | ((sign & 0x80u) << 8u) | ((sign & 0x8000u) << 16u);
  let high = ((m >> 9u) & 0x7f80u) | ((m >> 1u) & 0x7f800000u) | ((sign >> 8u) & 0x8000u) | (sign & 0x80000000u);
  return vec4f(unpack2x16float(low), unpack2x16float(high)) * 256.0;
}
