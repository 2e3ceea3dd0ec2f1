// q3_K: super-blocks of 256 as sixteen sub-blocks of 16 three-bit integers, each with a six-bit scale;
// weight = d·(sc − 32)·(q − 4).
// A unit is two sub-blocks, two words of the quants: element 4·part + b stands at bits 8·b + 2·(part % 4) of word part / 4.
// The third bit of element 4·part + b stands at bit 8·b + part of the unit's word in the plane from word p.w_high. The twelve
// bytes of a super-block's scales lie in the plane from word p.w_scales, low nibbles before upper pairs; d, an f16, in that from word
// p.w_super.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 2u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 8u; // units that share what head_at loads
struct Unit {
  quants: vec2u,
  high: u32,
  scales: vec2f,
}
fn half_at(word: u32, i: u32) -> f32 {
  let at = word + i / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
fn quants_at(at: u32) -> vec2u { return vec2u(word_at(2u * at), word_at(2u * at + 1u)); }
fn crumbs(quants: vec2u, part: u32) -> u32 {
  return (select(quants.x, quants.y, part >= 4u) >> (2u * (part % 4u))) & 0x03030303u;
}
struct Head {
  low: vec2u,
  upper: u32,
  d: f32,
}
fn head_at(row: u32, unit: u32) -> Head {
  let block = (row * p.w_stride * 2u + unit) / 8u;
  let words = p.w_scales + block * 3u;
  return Head(vec2u(word_at(words), word_at(words + 1u)), word_at(words + 2u), half_at(p.w_super, block));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride * 2u + unit;
  let s = unit % 8u; // sub-blocks 2s and 2s + 1
  let bytes = 16u * (s % 2u) + vec2u(0u, 8u);
  let low = (vec2u(select(head.low.x, head.low.y, s / 2u % 2u == 1u)) >> (bytes + 4u * (s / 4u))) & vec2u(0xfu);
  let upper = (vec2u(head.upper) >> (bytes + 2u * (s / 2u))) & vec2u(3u);
  let scales = vec2f(vec2i(low | (upper << vec2u(4u))) - 32);
  return Unit(quants_at(at), word_at(p.w_high + at), head.d * scales);
}
fn level4(unit: Unit, part: u32) -> vec4f {
  let third = select(unit.high << (2u - min(part, 2u)), unit.high >> (max(part, 2u) - 2u), part >= 2u) & 0x04040404u;
  return vec4f(unpack4xU8(crumbs(unit.quants, part) | third));
}
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scales[side]; }
fn offset_of(unit: Unit, side: u32) -> f32 { return -4.0 * unit.scales[side]; }
fn unit4(unit: Unit, part: u32) -> vec4f { return (level4(unit, part) - 4.0) * unit.scales[part / 4u]; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
