// q4_K: super-blocks of 256 as eight sub-blocks of 32 nibbles, each with a six-bit scale and minimum; weight = (d·sc)·q − dmin·m.
// A sub-block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble. The head of a
// super-block, one vec4<u32> of the plane from word p.w_scales, is d (low) and dmin (high), then the twelve bytes of sc and m.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = true; // weight = level·scale + offset
const HEAD_UNITS = 8u; // units that share what head_at loads
struct Unit {
  quants: vec4u,
  scale: f32,
  offset: f32,
}
// Scale and minimum of sub-block s: six bits each, of s < 4 in the words' low bits, of the others in two pieces.
fn scale_and_offset(head: vec4u, s: u32) -> vec2f {
  let shift = 8u * (s % 4u);
  let low = (head.yz >> vec2u(shift)) & vec2u(0x3fu);
  let rest = vec2u(head.w >> shift, head.w >> (shift + 4u)) & vec2u(0xfu);
  let upper = rest | (((head.yz >> vec2u(shift)) & vec2u(0xc0u)) >> vec2u(2u));
  return unpack2x16float(head.x) * vec2f(1.0, -1.0) * vec2f(select(low, upper, s >= 4u));
}
fn head_at(row: u32, unit: u32) -> vec4u { return w[p.w_scales / 4u + (row * p.w_stride + unit) / 8u]; }
fn unit_at(head: vec4u, row: u32, unit: u32) -> Unit {
  let at = row * p.w_stride + unit;
  let pair = scale_and_offset(head, unit % 8u);
  return Unit(w[at], pair.x, pair.y);
}
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(nibbles(unit.quants, part))); }
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return unit.offset; }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part) * unit.scale + unit.offset; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
