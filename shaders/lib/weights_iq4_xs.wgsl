// iq4_xs: super-blocks of 256 as eight sub-blocks of 32 indices into a table of sixteen levels, each with a six-bit scale;
// weight = d·(sc − 32)·level.
// A sub-block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble. The head of a
// super-block, two words of the plane from word p.w_scales, is d (low half), the scales' upper pairs, then their low nibbles.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
const HEAD_UNITS = 8u; // units that share what head_at loads
struct Unit {
  quants: vec4u,
  scale: f32,
}
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
fn head_at(row: u32, unit: u32) -> vec2u {
  let at = p.w_scales + (row * p.w_stride + unit) / 8u * 2u;
  return vec2u(word_at(at), word_at(at + 1u));
}
fn unit_at(head: vec2u, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let s = unit % 8u;
  let low = (head.y >> (4u * s)) & 0xfu;
  let upper = (head.x >> (16u + 2u * s)) & 3u;
  return Unit(w[at], unpack2x16float(head.x).x * f32(i32(low | (upper << 4u)) - 32));
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
