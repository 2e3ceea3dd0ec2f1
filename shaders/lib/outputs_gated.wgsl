// Two neighbouring outputs a workgroup, each from a gate row and, p.n rows further, its up row: act(gate)·up.
const OUTPUTS = 2u;
fn weight_row(first: u32, j: u32) -> u32 { return select(first + j, p.n + first + j - 2u, j >= 2u); }
fn combine(sums: vec4f, row: u32, out: u32, j: u32) -> f32 {
  let gate = adapt(sums[j], row, out) + bias(out);
  let up = adapt(sums[j + 2u], row, p.n + out) + bias(p.n + out);
  return activate(gate) * up;
}
