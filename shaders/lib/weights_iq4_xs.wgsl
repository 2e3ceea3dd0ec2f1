// iq4_xs: super-blocks of 256 as eight sub-blocks of 32 indices into a table of sixteen levels, each with a six-bit scale;
// weight = d·(sc − 32)·level.
// A sub-block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble. The head of a
// super-block, two words of the plane from word p.w_scales, is d (low half), the scales' upper pairs, then their low nibbles.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
const HEAD_UNITS = 8u;
fn head_at(row: u32, unit: u32) -> Head {
  let at = p.w_scales + (row * p.w_stride + unit) / 8u * 2u;
  return Head(vec4u(word_at(at), word_at(at + 1u), 0u, 0u), vec2f());
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let s = unit % 8u;
  let low = (head.words.y >> (4u * s)) & 0xfu;
  let upper = (head.words.x >> (16u + 2u * s)) & 3u;
  let scale = unpack2x16float(head.words.x).x * f32(i32(low | (upper << 4u)) - 32);
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(scale), vec2f());
}
