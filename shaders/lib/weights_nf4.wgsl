// nf4: indices into sixteen quantiles of a normal distribution; weight = level·scale, an f32 for each group (Dettmers et al. 2023,
// arXiv:2305.14314; levels as bitsandbytes has them).
// A unit of 32 weights is one vec4<u32> as in the file: byte j holds weight 2·j in its high and weight 2·j + 1 in its low nibble.
const UNIT4 = 8u;
const SCALES = 1u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(bitcast<f32>(group_word(row, unit))), vec2f());
}
const LEVELS = array<f32, 16>(
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
  -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
  0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
);
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = (vec4u(unit.quants[part / 2u] >> (16u * (part % 2u))) >> vec4u(4u, 0u, 12u, 8u)) & vec4u(15u);
  return vec4f(LEVELS[n.x], LEVELS[n.y], LEVELS[n.z], LEVELS[n.w]);
}
