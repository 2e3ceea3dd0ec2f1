// Two neighbouring outputs a workgroup, each from a gate row and, p.n rows further, its up row: (up + 1)·g·σ(scale·g) with
// g = min(gate, softcap) and up between ±softcap.
const OUTPUTS = 2u;
fn weight_row(first: u32, j: u32) -> u32 { return select(first + j, p.n + first + j - 2u, j >= 2u); }
fn combine(sums: vec4f, row: u32, out: u32, j: u32) -> f32 {
  let gate = min(adapt(sums[j], row, out) + bias(out), p.softcap);
  let up = clamp(adapt(sums[j + 2u], row, p.n + out) + bias(p.n + out), -p.softcap, p.softcap);
  return (up + 1.0) * gate / (1.0 + exp(-p.scale * gate));
}
