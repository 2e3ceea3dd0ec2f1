// RMSNorm folded into the product: W·(x∘g) is scaled at the end by 1/rms(x), whose sum of squares is gathered on the way. Some
// checkpoints store g − 1: the offset puts it right.
@group(0) @binding(5) var<storage, read> norm: array<vec4f>; // [k]
var<private> squares: array<f32, ROWS>;

fn prologue_begin(invocation: Invocation) {
  for (var i = 0u; i < ROWS; i++) { squares[i] = 0.0; }
}
fn prologue(value: vec4f, i: u32, k4: u32) -> vec4f {
  squares[i] += dot(value, value);
  return value * (norm[k4] + p.norm_offset);
}
fn prologue_end(sums: vec4f, i: u32, invocation: Invocation) -> vec4f {
  let total = reduction_sum(vec4f(squares[i]), invocation).x;
  return sums * inverseSqrt(total / f32(p.k) + p.eps);
}
