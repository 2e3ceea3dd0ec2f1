// q5_0: blocks of 32 five-bit integers and one f16 scale d; weight = (q − 16)·d.
// Low nibbles as in q4_0; the fifth bits of a block are a word of the plane from word p.w_high.
// The scales lie in their own plane from word p.w_scales, two a word.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 16.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  return Unit(w[block], vec2u(word_at(p.w_high + block), 0u), vec2f(half_at(p.w_scales, block)), vec2f());
}
