// q4_0: blocks of 32 nibbles minus 8 and one f16 scale. Byte j of a block holds element j in its low and element j + 16 in
// its high nibble; a block is one vec4<u32>. Scales follow in their own plane from word p.w_scales, two f16 a word.
const UNIT4 = 8u; // vec4 of weights in one unit, which is what is loaded at once: a block
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
  let block = row * p.w_stride + unit;
  return Unit(w[block], weight_scale(block));
}
fn unit4(unit: Unit, part: u32) -> vec4f {
  let nibbles = (unit.quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu;
  return (vec4f(unpack4xU8(nibbles)) - 8.0) * unit.scale;
}
fn weight4(row: u32, k4: u32) -> vec4f { return unit4(unit_at(row, k4 / UNIT4), k4 % UNIT4); }
