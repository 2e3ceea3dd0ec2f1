// q6_K: super-blocks of 256 as sixteen sub-blocks of 16 six-bit integers, each with an int8 scale; weight = (d·sc)·(q − 32).
// A unit is two sub-blocks. Its low nibbles are one vec4<u32>: byte j holds element j in its low and element j + 16 in its high
// nibble. The upper bits of element 4·part + b stand at bits 8·b + 2·(part % 4) of word part / 4 of the unit's two words in the
// plane from word p.w_high. Its scales are half a word of the plane from word p.w_scales; d, an f16, lies in the plane from word
// p.w_super.
const UNIT4 = 8u;
const SCALES = 2u;
const ZERO = 32.0;
const MINIMA = false;
const HEAD_UNITS = 8u;
fn head_at(row: u32, unit: u32) -> Head {
  let block = (row * p.w_stride + unit) / 8u;
  return Head(w[p.w_scales / 4u + block], vec2f(half_at(p.w_super, block)));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let pair = bitcast<i32>(head.words[unit / 2u % 4u] << (16u - 16u * (unit % 2u)));
  let high = p.w_high + 2u * at;
  let scales = head.pair.x * vec2f(vec2i(pair << 8u, pair) >> vec2u(24u));
  return Unit(w[at], vec2u(word_at(high), word_at(high + 1u)), scales, vec2f());
}
fn level4(unit: Unit, part: u32) -> vec4f {
  let upper = (select(unit.high.x, unit.high.y, part >= 4u) >> (2u * (part % 4u))) & 0x03030303u;
  return vec4f(unpack4xU8(nibbles(unit.quants, part) | (upper << 4u)));
}
