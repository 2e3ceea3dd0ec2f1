// q5_K: super-blocks of 256 as eight sub-blocks of 32 five-bit integers, each with a six-bit scale and minimum;
// weight = (d·sc)·q − dmin·m.
// Low nibbles as in q4_K; the fifth bits of a sub-block are a word of the plane from word p.w_high.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = true;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let pair = scale_and_minimum(head, unit % 8u);
  return Unit(w[at], vec2u(word_at(p.w_high + at), 0u), vec2f(pair.x), vec2f(pair.y));
}
