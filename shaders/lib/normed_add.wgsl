// Adds the residual stream to a normed value times the factor on what joins it.
@group(0) @binding(6) var<storage, read> residual: array<vec4f>; // [rows, k]
fn normed(value: vec4f, row: u32, k4: u32) -> vec4f {
  if (RAGGED == 0u) { return residual[row * p.k4 + k4] + p.scale * value; }
  let at = row * p.k + k4 * 4u;
  return four_at(residual[at / 4u], residual[at / 4u + 1u], at) + p.scale * value;
}
