// iq4_nl: blocks of 32 indices into a table of sixteen levels and one f16 scale d; weight = level·d.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The scales lie in their own plane from word p.w_scales, two a word.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
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
  let block = row * p.w_stride + unit;
  return Unit(w[block], half_at(p.w_scales, block));
}
// The sixteen levels, an int8 each: -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113.
const LEVELS = vec4u(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = unpack4xU8(nibbles(unit.quants, part));
  let odd = (n & vec4u(4u)) != vec4u(0u); // by selection: an array indexed by each weight would be read from memory
  let negative = select(vec4u(LEVELS.x), vec4u(LEVELS.y), odd);
  let positive = select(vec4u(LEVELS.z), vec4u(LEVELS.w), odd);
  let word = select(negative, positive, n >= vec4u(8u));
  return vec4f(bitcast<vec4i>(word << (24u - 8u * (n & vec4u(3u)))) >> vec4u(24u));
}
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return 0.0; }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part) * unit.scale; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
