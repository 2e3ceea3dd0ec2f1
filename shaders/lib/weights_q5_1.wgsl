// q5_1: blocks of 32 five-bit integers, an f16 scale d and minimum m; weight = q·d + m.
// Low nibbles as in q4_0; the fifth bits of a block are a word of the plane from word p.w_high.
// d (low) and m (high) share a word of the plane from word p.w_scales.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = true;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let pair = unpack2x16float(word_at(p.w_scales + block));
  return Unit(w[block], vec2u(word_at(p.w_high + block), 0u), vec2f(pair.x), vec2f(pair.y));
}
