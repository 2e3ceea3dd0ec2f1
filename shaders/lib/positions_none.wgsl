// No learned positions: rotary models.
fn position4(position: u32, k4: u32) -> vec4f { return vec4f(); }
