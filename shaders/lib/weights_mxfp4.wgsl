// mxfp4: blocks of 32 e2m1 floats and one exponent byte e; weight = level·2^(e − 128), the levels being the e2m1 values doubled.
// A block is one vec4<u32>: byte j holds element j in its low and element j + 16 in its high nibble.
// The exponents lie in their own plane from word p.w_scales, four a word.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 1u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
struct Unit {
  quants: vec4u,
  scale: f32,
  exponent: u32,
}
fn unit_at(row: u32, unit: u32) -> Unit {
  let block = row * p.w_stride + unit;
  let at = p.w_scales + block / 4u;
  let e = (w[at / 4u][at % 4u] >> (8u * (block % 4u))) & 0xffu;
  return Unit(w[block], bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u)), e);
}
const LEVELS = array<f32, 16>(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = unpack4xU8(nibbles(unit.quants, part));
  return vec4f(LEVELS[n.x], LEVELS[n.y], LEVELS[n.z], LEVELS[n.w]);
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
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(row, k4 / UNIT4), k4 % UNIT4); }
