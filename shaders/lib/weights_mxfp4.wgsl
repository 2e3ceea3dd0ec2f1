// mxfp4: blocks of 32 e2m1 floats and one exponent byte e; weight = level·2^(e − 128), the levels being the e2m1 values doubled.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The exponents lie in their own plane from word p.w_scales, four a word.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
const HEAD_UNITS = 1u; // units that share what head_at loads
fn head_at(row: u32, unit: u32) -> u32 { return 0u; }
struct Unit {
  quants: vec4u,
  scale: f32,
  exponent: u32,
}
fn unit_at(head: u32, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let at = p.w_scales + block / 4u;
  let e = (w[at / 4u][at % 4u] >> (8u * (block % 4u))) & 0xffu;
  return Unit(w[block], bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u)), e);
}
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
// Of a nibble's lower bits m the magnitude is m, and from 5 on by 1, 2 and 5 more; its highest bit is the sign. Four at a time.
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = nibbles(unit.quants, part);
  let large = n >> 2u;
  let m = n & 0x07070707u;
  let more = (large & n & 0x01010101u) + ((large & (n >> 1u) & 0x01010101u) << 1u) + ((large & (n >> 1u) & n & 0x01010101u) << 1u);
  let magnitude = m + more;
  let negative = ((n >> 3u) & 0x01010101u) * 255u;
  let shifted = 0x10101010u + (magnitude & ~negative) - (magnitude & negative);
  return vec4f(vec4i(unpack4xU8(shifted)) - 16);
}
fn scale_of(unit: Unit, side: u32) -> f32 { return unit.scale; }
fn offset_of(unit: Unit, side: u32) -> f32 { return 0.0; }
// Below 2^-126 by integers, because arithmetic may flush such floats to zero. There weights count for nothing in a product, so
// that products go without.
fn tiny(level: f32, e: u32) -> f32 {
  let sign = bitcast<u32>(level) & 0x80000000u;
  let steps = u32(abs(level)) << (21u + e); // of 2^-149: below 2^24 of them are the float's bits
  return bitcast<f32>(select(bitcast<u32>(level) - ((128u - e) << 23u), steps | sign, abs(level) < 4.0));
}
fn unit4(unit: Unit, part: u32) -> vec4f {
  let level = level4(unit, part);
  if (unit.exponent >= 2u) { return level * unit.scale; }
  let e = unit.exponent;
  return vec4f(tiny(level.x, e), tiny(level.y, e), tiny(level.z, e), tiny(level.w, e));
}
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(head_at(row, k4 / UNIT4), row, k4 / UNIT4), k4 % UNIT4); }
