// Adds the residual stream.
@group(0) @binding(6) var<storage, read> residual: array<f32>; // [rows, n]
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return value + residual[row * p.y_stride + p.y_offset + out]; }
