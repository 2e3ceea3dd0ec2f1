// q4_K: super-blocks of 256 as eight sub-blocks of 32 nibbles, each with a six-bit scale and minimum; weight = (d·sc)·q − dmin·m.
// A sub-block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = true;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let pair = scale_and_minimum(head, unit % 8u);
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(pair.x), vec2f(pair.y));
}
