// Applies the activation of an ungated MLP.
fn finish(value: f32, row: u32, out: u32) -> f32 { return activate(value); }
