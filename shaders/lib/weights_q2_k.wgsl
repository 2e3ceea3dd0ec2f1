// q2_K: super-blocks of 256 as sixteen sub-blocks of 16 two-bit integers, each with a four-bit scale and minimum;
// weight = (d·sc)·q − dmin·m.
// A unit is two sub-blocks, two words of the quants: element 4·part + b stands at bits 8·b + 2·(part % 4) of word part / 4.
// Its scales (low nibbles) and minima are half a word of the plane from word p.w_scales; d (low) and dmin share a word of the plane
// from word p.w_super.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 2u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 8u; // units that share what head_at loads
struct Unit {
  quants: vec2u,
  scales: vec2f,
  offsets: vec2f,
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
fn quants_at(at: u32) -> vec2u { return vec2u(word_at(2u * at), word_at(2u * at + 1u)); }
fn crumbs(quants: vec2u, part: u32) -> u32 {
  return (select(quants.x, quants.y, part >= 4u) >> (2u * (part % 4u))) & 0x03030303u;
}
struct Head {
  scales: vec4u,
  pair: vec2f, // d, dmin
}
fn head_at(row: u32, unit: u32) -> Head {
  let block = (row * p.w_stride * 2u + unit) / 8u;
  return Head(w[p.w_scales / 4u + block], unpack2x16float(word_at(p.w_super + block)));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride * 2u + unit;
  let bytes = vec2u(head.scales[unit / 2u % 4u]) >> (vec2u(0u, 8u) + 16u * (unit % 2u));
  return Unit(quants_at(at), head.pair.x * vec2f(bytes & vec2u(0xfu)), -head.pair.y * vec2f((bytes >> vec2u(4u)) & vec2u(0xfu)));
}
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(crumbs(unit.quants, part))); }
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scales[side]; }
fn offset_of(unit: Unit, side: u32) -> f32 { return unit.offsets[side]; }
fn unit4(unit: Unit, part: u32) -> vec4f {
  return level4(unit, part) * unit.scales[part / 4u] + unit.offsets[part / 4u];
}
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
