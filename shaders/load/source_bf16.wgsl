// Staged numbers as f32 bits, from bf16, the upper half of an f32.
fn staged_bits(i: u32) -> u32 { return ((staged[i / 2u] >> (16u * (i % 2u))) & 0xffffu) << 16u; }
