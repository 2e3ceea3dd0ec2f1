// q8_0: blocks of 32 int8 and one f16 scale d; weight = q·d. A block's quants are two vec4<u32>, in order. The scales lie in
// their own plane from word p.w_scales, two a word.
const UNIT4 = 4u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  return Unit(w[at], vec2u(), vec2f(half_at(p.w_scales, at / 2u)), vec2f());
}
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xI8(unit.quants[part])); }
