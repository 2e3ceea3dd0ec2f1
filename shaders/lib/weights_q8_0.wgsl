// q8_0: blocks of 32 int8 and one f16 scale d; weight = q·d. A block's quants are two vec4<u32>, in order. The scales lie in
// their own plane from word p.w_scales, two a word.
const UNIT4 = 4u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
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
  let at = row * p.w_stride + unit;
  return Unit(w[at], half_at(p.w_scales, at / 2u));
}
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xI8(unit.quants[part])); }
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return 0.0; }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part) * unit.scale; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
