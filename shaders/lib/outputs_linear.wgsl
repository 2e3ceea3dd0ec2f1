// Four neighbouring outputs a workgroup.
const OUTPUTS = 4u;
fn weight_row(first: u32, j: u32) -> u32 { return first + j; }
fn combine(sums: vec4f, row: u32, out: u32, j: u32) -> f32 { return epilogue(adapt(sums[j], row, out) + bias(out), row, out); }
