// ‖g‖, the factor min(1, c / (‖g‖ + 1e-6)) that clips it, and whether the step is taken: loss and norm are finite, the loss no spike
//   sums [PARTS], statistics and control as in control.wgsl
//   grid: one thread
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> statistics: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < p.n; i++) { sum += sums[i]; }
  let norm = sqrt(sum);
  var factor = 1.0;
  if (control[7] > 0.0) { factor = min(1.0, control[7] / (norm + 1e-6)); }
  let taken = is_finite(sum) && is_finite(statistics[0]) && statistics[0] <= control[8];
  statistics[1] = norm;
  statistics[2] = factor;
  statistics[3] = select(0.0, 1.0, taken);
}
