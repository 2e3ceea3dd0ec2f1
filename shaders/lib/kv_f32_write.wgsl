// Keys and values in f32, as they are written. A row is one position of one head: DIM4 vec4, each a unit by itself.
const UNIT4 = 1u; // vec4 that are written together
@group(0) @binding(10) var<storage, read_write> k_pages: array<vec4f>;
@group(0) @binding(11) var<storage, read_write> v_pages: array<vec4f>;

fn write_keys(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) { k_pages[row * DIM4 + unit] = (*x)[0]; }
fn write_values(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) { v_pages[row * DIM4 + unit] = (*x)[0]; }
