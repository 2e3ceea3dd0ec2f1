// iq4_xs: super-blocks of 256 as eight sub-blocks of 32 indices into a table of sixteen levels, each with a six-bit scale;
// weight = d·(sc − 32)·level.
// A sub-block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble. The head of a
// super-block, two words of the plane from word p.w_scales, is d (low half), the scales' upper pairs, then their low nibbles.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
struct Unit {
  quants: vec4u,
  scale: f32,
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
fn unit_at(row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let s = at % 8u;
  let first = word_at(p.w_scales + at / 8u * 2u);
  let low = (word_at(p.w_scales + at / 8u * 2u + 1u) >> (4u * s)) & 0xfu;
  let upper = (first >> (16u + 2u * s)) & 3u;
  return Unit(w[at], unpack2x16float(first).x * f32(i32(low | (upper << 4u)) - 32));
}
const LEVELS = array<f32, 16>(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = unpack4xU8(nibbles(unit.quants, part));
  return vec4f(LEVELS[n.x], LEVELS[n.y], LEVELS[n.z], LEVELS[n.w]);
}
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return 0.0; }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part) * unit.scale; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(row, k4 / UNIT4), k4 % UNIT4); }
