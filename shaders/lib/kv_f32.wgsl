// Keys and values in f32, as they are read. A row is one position of one head: DIM4 vec4.
@group(0) @binding(10) var<storage, read> k_pages: array<vec4f>;
@group(0) @binding(11) var<storage, read> v_pages: array<vec4f>;

fn key4(row: u32, d: u32) -> vec4f { return k_pages[row * DIM4 + d]; }
fn value4(row: u32, d: u32) -> vec4f { return v_pages[row * DIM4 + d]; }
