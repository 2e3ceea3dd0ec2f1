// What happens to a finished product before it is stored: nothing.
fn epilogue(value: f32, row: u32, out: u32) -> f32 { return value; }
