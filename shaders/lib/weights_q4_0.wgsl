// q4_0: blocks of 32 nibbles and one f16 scale d; weight = (q − 8)·d.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The scales lie in their own plane from word p.w_scales, two a word.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 1u; // units that share what head_at loads
fn head_at(row: u32, unit: u32) -> u32 { return 0u; }
struct Unit {
  quants: vec4u,
  scale: f32,
}
fn half_at(word: u32, i: u32) -> f32 {
  let at = word + i / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
fn unit_at(head: u32, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  return Unit(w[block], half_at(p.w_scales, block));
}
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(nibbles(unit.quants, part))); }
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return -8.0 * unit.scale; }
fn unit4(unit: Unit, part: u32) -> vec4f { return (level4(unit, part) - 8.0) * unit.scale; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
