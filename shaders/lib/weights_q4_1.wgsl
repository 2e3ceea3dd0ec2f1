// q4_1: blocks of 32 nibbles, an f16 scale d and minimum m; weight = q·d + m.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// d (low) and m (high) share a word of the plane from word p.w_scales.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = true;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let pair = unpack2x16float(word_at(p.w_scales + block));
  return Unit(w[block], vec2u(), vec2f(pair.x), vec2f(pair.y));
}
