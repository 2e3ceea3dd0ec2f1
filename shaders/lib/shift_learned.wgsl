// LayerNorm's bias lies behind its weight.
fn norm_shift(k4: u32) -> vec4f { return norm[p.k4 + k4]; }
