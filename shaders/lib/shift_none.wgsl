// A LayerNorm without a bias.
fn norm_shift(k4: u32) -> vec4f { return vec4f(); }
