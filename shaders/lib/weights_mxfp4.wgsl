// mxfp4: blocks of 32 e2m1 floats and one exponent byte e; weight = level·2^(e − 128), the levels being the e2m1 values doubled.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The exponents lie in their own plane from word p.w_scales, four a word.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let e = (word_at(p.w_scales + block / 4u) >> (8u * (block % 4u))) & 0xffu;
  let scale = bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u));
  return Unit(w[block], vec2u(e, 0u), vec2f(scale), vec2f());
}
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
// Below 2^-126 by integers, because arithmetic may flush such floats to zero. There weights count for nothing in a product, so
// that products go without.
fn tiny(level: f32, e: u32) -> f32 {
  let sign = bitcast<u32>(level) & 0x80000000u;
  let steps = u32(abs(level)) << (21u + e); // of 2^-149: below 2^24 of them are the float's bits
  return bitcast<f32>(select(bitcast<u32>(level) - ((128u - e) << 23u), steps | sign, abs(level) < 4.0));
}
fn unit4(unit: Unit, part: u32) -> vec4f {
  let level = level4(unit, part);
  if (unit.high.x >= 2u) { return level * unit.scales.x; }
  let e = unit.high.x;
  return vec4f(tiny(level.x, e), tiny(level.y, e), tiny(level.z, e), tiny(level.w, e));
}
