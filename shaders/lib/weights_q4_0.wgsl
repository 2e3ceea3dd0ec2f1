// q4_0: blocks of 32 nibbles and one f16 scale d; weight = (q − 8)·d.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The scales lie in their own plane from word p.w_scales, two a word.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 8.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  return Unit(w[block], vec2u(), vec2f(half_at(p.w_scales, block)), vec2f());
}
