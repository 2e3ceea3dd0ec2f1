// q8_0: blocks of 32 int8 and one f16 scale. A row's quants are contiguous (two vec4<u32> a block); the scales of the
// whole matrix follow in their own plane from word p.w_scales, two f16 a word.
const UNIT4 = 4u; // vec4 of weights in one unit, which is what is loaded at once: half a block
struct Unit {
  quants: vec4u,
  scale: f32,
}
fn weight_scale(block: u32) -> f32 {
  let at = p.w_scales + block / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}
fn unit_at(row: u32, unit: u32) -> Unit {
  return Unit(w[row * p.w_stride + unit], weight_scale(row * (p.w_stride / 2u) + unit / 2u));
}
fn unit4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xI8(unit.quants[part])) * unit.scale; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(row, k4 / UNIT4), k4 % UNIT4); }
