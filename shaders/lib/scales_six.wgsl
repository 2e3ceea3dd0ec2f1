// Six-bit scales and minima of the eight sub-blocks of a super-block. Its head, one vec4<u32> of the plane from word p.w_scales, is d
// (low) and dmin (high), then twelve bytes: six bits each, of sub-blocks below 4 in the words' low bits, of the others in two pieces.
const HEAD_UNITS = 8u;
fn head_at(row: u32, unit: u32) -> Head {
  return Head(w[p.w_scales / 4u + (row * p.w_stride + unit) / 8u], vec2f());
}
// Scale and minimum of sub-block s.
fn scale_and_minimum(head: Head, s: u32) -> vec2f {
  let words = head.words;
  let shift = 8u * (s % 4u);
  let low = (words.yz >> vec2u(shift)) & vec2u(0x3fu);
  let rest = vec2u(words.w >> shift, words.w >> (shift + 4u)) & vec2u(0xfu);
  let upper = rest | (((words.yz >> vec2u(shift)) & vec2u(0xc0u)) >> vec2u(2u));
  return unpack2x16float(words.x) * vec2f(1.0, -1.0) * vec2f(select(low, upper, s >= 4u));
}
