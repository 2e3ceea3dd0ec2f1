// Multiplies a finished product: logits of models that scale them.
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return value * p.scale; }
