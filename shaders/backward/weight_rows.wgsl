// Every counted row has a weight of its own.
@group(0) @binding(7) var<storage, read> weights: array<f32>;
fn weight(row: u32) -> f32 { return control[0] * weights[row]; }
