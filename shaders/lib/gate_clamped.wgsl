// Both halves are bounded first.
fn gated(gate: f32, up: f32) -> f32 {
  let g = min(gate, p.limit);
  return (clamp(up, -p.limit, p.limit) + 1.0) * g / (1.0 + exp(-p.alpha * g));
}
