// The input as it is.
fn prologue_begin(invocation: Invocation) {}
fn prologue(value: vec4f, i: u32, k4: u32) -> vec4f { return value; }
fn prologue_end(sums: vec4f, i: u32, invocation: Invocation) -> vec4f { return sums; }
