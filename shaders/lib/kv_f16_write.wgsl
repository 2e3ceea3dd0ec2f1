// Keys and values in f16, as they are written: rows as in lib/kv_f16.wgsl, each vec4 a unit by itself. What is too large becomes the
// largest f16; NaN and infinity stay what they are. What was written is left in x.
const UNIT4 = 1u; // vec4 that are written together
const MAX_F16 = vec4f(65504.0);
@group(0) @binding(10) var<storage, read_write> k_pages: array<vec2u>;
@group(0) @binding(11) var<storage, read_write> v_pages: array<vec2u>;

fn narrowed(x: ptr<function, array<vec4f, UNIT4>>) -> vec2u {
  let size = abs((*x)[0]);
  let is_large = (size > MAX_F16) & (size <= vec4f(0x1.fffffep+127f));
  let value = select((*x)[0], sign((*x)[0]) * MAX_F16, is_large);
  let words = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
  // 0, but no compiler knows: they take an unpacked pack for what it was before.
  let kept = words | vec2u(p.head_dim >> 31u);
  (*x)[0] = vec4f(unpack2x16float(kept.x), unpack2x16float(kept.y));
  return kept;
}

fn write_keys(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) { k_pages[row * DIM4 + unit] = narrowed(x); }
fn write_values(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) { v_pages[row * DIM4 + unit] = narrowed(x); }
