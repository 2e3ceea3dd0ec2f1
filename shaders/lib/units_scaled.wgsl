// Weights of a unit from its levels: (level − ZERO)·scale, or level·scale + minimum.
fn unit4(unit: Unit, part: u32) -> vec4f {
  let side = select(0u, part / (UNIT4 / 2u), SCALES == 2u);
  if (MINIMA) { return level4(unit, part) * scale_of(unit, side) + offset_of(unit, side); }
  return (level4(unit, part) - ZERO) * scale_of(unit, side);
}
