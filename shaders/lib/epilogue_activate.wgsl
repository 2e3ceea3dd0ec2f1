// Applies the activation of an ungated MLP.
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return activate(value); }
