// The chosen experts are all there is.
fn beside(row: u32, i: u32) -> f32 { return 0.0; }
