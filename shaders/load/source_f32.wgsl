// Staged numbers as f32 bits: they are f32.
fn staged_bits(i: u32) -> u32 { return staged[i]; }
