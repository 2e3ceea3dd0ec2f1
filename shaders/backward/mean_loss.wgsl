// Adds Σᵢ loss[i] / counted tokens to the loss of the step: its batches come one after the other
//   losses [counted rows], control: word 0 is 1 / counted tokens of all batches, y: word 0 is the loss
//   grid: one thread
struct Params {
  n: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read> control: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < logit_count(); i++) { sum += losses[i]; }
  y[0] += sum * control[0] * f32(p.n);
}
