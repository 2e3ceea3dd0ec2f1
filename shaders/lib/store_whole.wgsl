// Rows of whole vec4.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
fn store4(row: u32, k4: u32, value: vec4f) { y[row * p.k4 + k4] = value; }
