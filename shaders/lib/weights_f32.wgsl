// f32 weights: one vec4<u32> is four weights. Rows are padded to 4.
const UNIT4 = 1u;
fn level4(unit: Unit, part: u32) -> vec4f { return bitcast<vec4f>(unit.quants); }
