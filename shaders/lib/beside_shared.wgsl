// An expert that every row takes, weighted by the sigmoid of a score of its own.
@group(0) @binding(7) var<storage, read> shared_expert: array<f32>; // [rows, n]
@group(0) @binding(8) var<storage, read> score: array<f32>;         // [rows, score_stride]
fn beside(row: u32, i: u32) -> f32 {
  let weight = 1.0 / (1.0 + exp(-score[row * p.score_stride + p.score_at]));
  return weight * shared_expert[row * p.n + i];
}
