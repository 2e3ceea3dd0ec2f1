// bf16 weights: one vec4<u32> is eight weights, each the upper half of an f32. Rows are padded to 8.
const UNIT4 = 2u;
fn level4(unit: Unit, part: u32) -> vec4f {
  let words = select(unit.quants.xy, unit.quants.zw, part == 1u);
  return bitcast<vec4f>(vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
