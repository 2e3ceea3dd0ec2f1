// Bounds a finished product softly: c·tanh(v / c), of the scaled product. Beyond ±10 tanh is ±1 in f32 and some drivers overflow.
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return p.softcap * tanh(clamp(value * p.scale / p.softcap, -10.0, 10.0)); }
