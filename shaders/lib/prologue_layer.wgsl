// LayerNorm before the product. Mean and variance are taken in two passes over x (a one-pass variance cancels).
@group(0) @binding(5) var<storage, read> norm: array<vec4f>; // [k] weight, then [k] bias where there is one (shift provider)
var<private> centre: array<f32, ROWS>;
var<private> inverse: array<f32, ROWS>;

fn prologue_begin(invocation: Invocation) {
  for (var i = 0u; i < ROWS; i++) {
    var sum = vec4f();
    for (var k4 = reduction_begin(invocation); k4 < p.k4; k4 += reduction_step(invocation)) { sum += x4(i, k4); }
    sum = reduction_sum(sum, invocation);
    centre[i] = (sum.x + sum.y + sum.z + sum.w) / f32(p.k);
    var squares = vec4f();
    for (var k4 = reduction_begin(invocation); k4 < p.k4; k4 += reduction_step(invocation)) {
      let d = inside(x4(i, k4) - centre[i], k4);
      squares += d * d;
    }
    squares = reduction_sum(squares, invocation);
    inverse[i] = inverseSqrt((squares.x + squares.y + squares.z + squares.w) / f32(p.k) + p.eps);
  }
}
fn prologue(value: vec4f, i: u32, k4: u32) -> vec4f {
  return inside((value - centre[i]) * inverse[i] * norm[k4] + norm_shift(k4), k4);
}
fn prologue_end(sums: vec4f, i: u32, invocation: Invocation) -> vec4f { return sums; }
