// A norm over a run of `length` elements of x from `begin` on, by the threads that share it:
//   x / √(mean(x²) + ε) ∘ (g + offset), or for p.centred (x − mean) / √(var + ε) ∘ g (+ b)
var<private> run_mean: f32;
var<private> run_scale: f32;

fn measure(begin: u32, length: u32, invocation: Invocation) {
  run_mean = 0.0;
  if (p.centred == 1u) {
    var sum = 0.0;
    for (var d = reduction_begin(invocation); d < length; d += REDUCERS) { sum += x[begin + d]; }
    run_mean = reduction_sum(vec4f(sum), invocation).x / f32(length);
  }
  var squares = 0.0;
  for (var d = reduction_begin(invocation); d < length; d += REDUCERS) {
    let centred = x[begin + d] - run_mean;
    squares += centred * centred;
  }
  run_scale = inverseSqrt(reduction_sum(vec4f(squares), invocation).x / f32(length) + p.eps);
}

fn run_normed(value: f32, weight: f32, bias: f32) -> f32 {
  return (value - run_mean) * run_scale * (weight + p.norm_offset) + bias;
}
