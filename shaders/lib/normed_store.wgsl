// What happens to a normed value before it is stored: nothing.
fn normed(value: vec4f, row: u32, k4: u32) -> vec4f { return value; }
