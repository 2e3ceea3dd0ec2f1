// q4_1: blocks of 32 nibbles, an f16 scale d and minimum m; weight = q·d + m.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// d (low) and m (high) share a word of the plane from word p.w_scales.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 1u; // units that share what head_at loads
fn head_at(row: u32, unit: u32) -> u32 { return 0u; }
struct Unit {
  quants: vec4u,
  scale: f32,
  offset: f32,
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
fn unit_at(head: u32, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let pair = unpack2x16float(word_at(p.w_scales + block));
  return Unit(w[block], pair.x, pair.y);
}
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(nibbles(unit.quants, part))); }
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return unit.offset; }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part) * unit.scale + unit.offset; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
