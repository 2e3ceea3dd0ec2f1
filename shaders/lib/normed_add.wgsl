// Adds the residual stream to a normed value times the factor on what joins it.
@group(0) @binding(6) var<storage, read> residual: array<vec4f>; // [rows, k]
fn normed(value: vec4f, at: u32) -> vec4f { return residual[at] + p.scale * value; }
