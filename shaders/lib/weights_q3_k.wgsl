// q3_K: super-blocks of 256 as sixteen sub-blocks of 16 three-bit integers, each with a six-bit scale;
// weight = d·(sc − 32)·(q − 4). A unit is two sub-blocks.
// The third bit of element 4·part + b stands at bit 8·b + part of the unit's word in the plane from word p.w_high. The twelve
// bytes of a super-block's scales lie in the plane from word p.w_scales, low nibbles before upper pairs; d, an f16, in that from word
// p.w_super.
const UNIT4 = 8u;
const SCALES = 2u;
const ZERO = 4.0;
const MINIMA = false;
const HEAD_UNITS = 8u;
fn head_at(row: u32, unit: u32) -> Head {
  let block = unit_index(row, unit) / 8u;
  let words = p.w_scales + block * 3u;
  return Head(vec4u(word_at(words), word_at(words + 1u), word_at(words + 2u), 0u), vec2f(half_at(p.w_super, block)));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = unit_index(row, unit);
  let s = unit % 8u; // sub-blocks 2s and 2s + 1
  let bytes = 16u * (s % 2u) + vec2u(0u, 8u);
  let low = (vec2u(select(head.words.x, head.words.y, s / 2u % 2u == 1u)) >> (bytes + 4u * (s / 4u))) & vec2u(0xfu);
  let upper = (vec2u(head.words.z) >> (bytes + 2u * (s / 2u))) & vec2u(3u);
  let scales = head.pair.x * vec2f(vec2i(low | (upper << vec2u(4u))) - 32);
  return Unit(quants_at(at), vec2u(word_at(p.w_high + at), 0u), scales, vec2f());
}
fn level4(unit: Unit, part: u32) -> vec4f {
  let high = unit.high.x;
  let third = select(high << (2u - min(part, 2u)), high >> (max(part, 2u) - 2u), part >= 2u) & 0x04040404u;
  return vec4f(unpack4xU8(crumbs(unit.quants.xy, part) | third));
}
