// q6_K: super-blocks of 256 as sixteen sub-blocks of 16 six-bit integers, each with an int8 scale; weight = (d·sc)·(q − 32).
// A unit is two sub-blocks. Its low nibbles are one vec4<u32>: byte j holds element j in its low and element j + 16 in its high
// nibble. The upper bits of element 4·part + b stand at bits 8·b + 2·(part % 4) of word part / 4 of the unit's two words in the
// plane from word p.w_high. Its scales are half a word of the plane from word p.w_scales; d, an f16, lies in the plane from word
// p.w_super.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 2u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 8u; // units that share what head_at loads
struct Unit {
  quants: vec4u,
  high: vec2u,
  scales: vec2f,
}
fn half_at(word: u32, i: u32) -> f32 {
  let at = word + i / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
struct Head {
  scales: vec4u,
  d: f32,
}
fn head_at(row: u32, unit: u32) -> Head {
  let block = (row * p.w_stride + unit) / 8u;
  return Head(w[p.w_scales / 4u + block], half_at(p.w_super, block));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let pair = bitcast<i32>(head.scales[unit / 2u % 4u] << (16u - 16u * (unit % 2u)));
  let high = p.w_high + 2u * at;
  return Unit(w[at], vec2u(word_at(high), word_at(high + 1u)), head.d * vec2f(vec2i(pair << 8u, pair) >> vec2u(24u)));
}
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f {
  let upper = (select(unit.high.x, unit.high.y, part >= 4u) >> (2u * (part % 4u))) & 0x03030303u;
  return vec4f(unpack4xU8(nibbles(unit.quants, part) | (upper << 4u)));
}
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scales[side]; }
fn offset_of(unit: Unit, side: u32) -> f32 { return -32.0 * unit.scales[side]; }
fn unit4(unit: Unit, part: u32) -> vec4f { return (level4(unit, part) - 32.0) * unit.scales[part / 4u]; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
