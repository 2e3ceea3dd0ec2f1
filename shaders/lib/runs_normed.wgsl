// Leaves a measured run normed.
fn leave_run(begin: u32, first: u32, invocation: Invocation) {
  for (var d = reduction_begin(invocation); d < p.k; d += REDUCERS) {
    var bias = 0.0;
    if (p.bias_at > 0u) { bias = norm[p.bias_at + first + d]; }
    y[begin + d] = run_normed(x[begin + d], norm[first + d], bias);
  }
}
