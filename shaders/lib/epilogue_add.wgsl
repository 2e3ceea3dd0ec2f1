// Adds the residual stream to the product times the factor on what joins it.
@group(0) @binding(6) var<storage, read> residual: array<f32>; // [rows, n]
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return p.scale * value + residual[row * p.y_stride + p.y_offset + out]; }
