// Plain floats: a unit is one vec4<u32>, and levels are the weights.
const SCALES = 0u;
const ZERO = 0.0;
const MINIMA = false;
fn unit_at(head: Head, row: u32, unit: u32) -> Unit { return Unit(w[row * p.w_stride + unit], vec2u(), vec2f(), vec2f()); }
fn unit4(unit: Unit, part: u32) -> vec4f { return level4(unit, part); }
