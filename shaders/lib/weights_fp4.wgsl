// fp4: e2m1 floats (OCP Microscaling Formats 1.0); weight = level·scale, an f32 for each group: those of gpt-oss are powers of two.
// A unit of 32 weights is one vec4<u32> as in the file: byte j holds weight 2·j in its low and weight 2·j + 1 in its high nibble.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(bitcast<f32>(group_word(row, unit))), vec2f());
}
const LEVELS = array<f32, 16>(0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0);
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = (vec4u(unit.quants[part / 2u] >> (16u * (part % 2u))) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u);
  return vec4f(LEVELS[n.x], LEVELS[n.y], LEVELS[n.z], LEVELS[n.w]);
}
