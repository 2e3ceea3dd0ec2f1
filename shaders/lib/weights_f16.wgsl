// f16 weights without shader-f16: one vec4<u32> is eight weights, unpacked by core WGSL. Rows are padded to 8.
const UNIT4 = 2u;
fn level4(unit: Unit, part: u32) -> vec4f {
  let words = select(unit.quants.xy, unit.quants.zw, part == 1u);
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
