// θ ← θ·(1 − η·λ) − η·û·factor
@group(0) @binding(4) var<storage, read_write> theta: array<f32>;
@group(0) @binding(7) var<storage, read> rows: array<f32>;
fn update_factor(matrix: u32) -> f32 { return rows[factor_word(matrix)] * control[1]; }
fn leave(at: u32, update: f32) { theta[at] = theta[at] * control[3] - update; }
fn finish_row(row: u32, squares: f32) {}
