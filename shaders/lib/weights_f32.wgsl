// f32 weights: one vec4<u32> is four weights. Rows are padded to 4.
const UNIT4 = 1u; // vec4 of weights in one unit, which is what is loaded at once
const SCALES = 0u; // scales of a unit, each for as many of its parts; 0: levels are the weights
const OFFSETS = false; // weight = level·scale + offset
const HEAD_UNITS = 1u; // units that share what head_at loads
fn head_at(row: u32, unit: u32) -> u32 { return 0u; }
fn unit_at(head: u32, row: u32, unit: u32) -> vec4f { return bitcast<vec4f>(w[row * p.w_stride + unit]); }
fn unit4(unit: vec4f, part: u32) -> vec4f { return unit; }
fn level4(unit: vec4f, part: u32) -> vec4f { return unit4(unit, part); }
fn scale_of(unit: vec4f, side: u32) -> f32 { return 1.0; }
fn offset_of(unit: vec4f, side: u32) -> f32 { return 0.0; }
fn weight4(row: u32, k4: u32) -> vec4f { return unit_at(0u, row, k4); }
