// Keys and values in f16, as they are read; no device needs `shader-f16` for it. A row is one position of one head: DIM4 times two
// words of two.
@group(0) @binding(10) var<storage, read> k_pages: array<vec2u>;
@group(0) @binding(11) var<storage, read> v_pages: array<vec2u>;

fn widened(words: vec2u) -> vec4f { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }

fn key4(row: u32, d: u32) -> vec4f { return widened(k_pages[row * DIM4 + d]); }
fn value4(row: u32, d: u32) -> vec4f { return widened(v_pages[row * DIM4 + d]); }
