// Leaves the gradient of a measured run, h = dy∘(g + offset), x̂ = (x − mean)·ρ:
//   RMSNorm:   dx = ρ·(h − x̂·mean(h∘x̂)), mean 0
//   LayerNorm: dx = ρ·(h − mean(h) − x̂·mean(h∘x̂))
@group(0) @binding(3) var<storage, read> dy: array<f32>;

fn leave_run(begin: u32, first: u32, invocation: Invocation) {
  var sums = vec4f();
  for (var d = reduction_begin(invocation); d < p.k; d += REDUCERS) {
    let h = dy[begin + d] * (norm[first + d] + p.norm_offset);
    sums += vec4f(h, h * (x[begin + d] - run_mean), 0.0, 0.0);
  }
  let means = reduction_sum(sums, invocation) / f32(p.k);
  let mean = select(0.0, means.x, p.centred == 1u);
  for (var d = reduction_begin(invocation); d < p.k; d += REDUCERS) {
    let h = dy[begin + d] * (norm[first + d] + p.norm_offset);
    y[begin + d] = run_scale * (h - mean - (x[begin + d] - run_mean) * run_scale * run_scale * means.y);
  }
}
