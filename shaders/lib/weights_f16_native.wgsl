// f16 weights with shader-f16: one vec4<u32> is eight weights. Rows are padded to 8.
const UNIT4 = 2u;
fn level4(unit: Unit, part: u32) -> vec4f {
  return vec4f(bitcast<vec4<f16>>(select(unit.quants.xy, unit.quants.zw, part == 1u)));
}
